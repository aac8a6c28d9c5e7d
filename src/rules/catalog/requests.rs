//! What becomes of requests over HTTP: the section of the reference.

pub(super) const SECTION: &str = "
## Requests over HTTP

A rule calls only hosts that `http_allow` of home.yaml names; that is looked at when the rules are read, and again before anything is sent.
The host is written out, and what `{{ }}` puts behind it is escaped: `a/b` becomes `a%2Fb`.
No redirect is followed: where a host answers with one, the address has to be changed.
A header may be a secret, as a whole: `authorization: !secret panel_token`, where the line of secrets.yaml is for example `panel_token: Bearer 7f3a`.
Rules cannot send the secrets that home.yaml uses.
A secret is looked up when the request is sent, and appears in no trace, list or log.

The run waits until the request is answered or given up.
A status from 200 to 299 is a success.
With `save: NAME`, the answer is then a variable: `NAME.FIELD` is a field of JSON, up to 64 KiB; what is no JSON is a text; an empty answer is unknown.

| cause | tried again | `failure.code` |
|---|---|---|
| not a byte left: no such host, no connection | yes | `NOT_REACHED` |
| it left, and no whole answer came within `timeout` | `GET`, `PUT` and `DELETE`; the others only with `retry:` | `NO_ANSWER` |
| status 429, or from 500 on | yes, not before the host allows it (`Retry-After`, an hour at most) | the status: `503` |
| any other status | no | the status: `404` |
| an answer of more than 64 KiB with `save` | no | `ANSWER_TOO_LONG` |
| a host that `http_allow` does not name any more | no | `HOST_NOT_ALLOWED` |
| a secret that is not found | no | `UNKNOWN_SECRET` |
| address or headers that no request can have | no | `BAD_REQUEST` |

`retry` says how often and when; without it there are three attempts, half a minute and a minute apart.
In `on_failure`, `failure.outcome` is `failed`, `failure.message` says why, and `failure.attempts` how often it was sent.

**Once or twice?** A request is on the disk before it leaves.
When its answer is lost, or the program is killed in between, nobody knows whether it arrived.
`GET`, `PUT` and `DELETE` do the same when they are done twice, and are sent again.
`POST` and `PATCH` may do twice what they do, so they are not: the step fails with `NO_ANSWER`.
Whoever would rather have them twice than not at all writes `retry:`.

In tests of rules, a request is under way until a step `answer` answers it; without one it fails when its `timeout` is over.
";
