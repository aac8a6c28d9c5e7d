//! Whose key it is that is not taken: the home's own, or the manufacturer's for one device.

use crate::delivery::verdict::Key;
use crate::device_api::answer::{Answer, Refusal};
use crate::device_api::gate::Gate;
use crate::domain::answers::INVALID_API_KEY;
use crate::domain::device::Device;

/// What is known of the home's key, after `device` was refused something. When that says that a key is not taken, Amps
/// is asked something for which it needs nobody else's key.
pub(super) async fn key(api: &Gate, device: &Device, refusal: Option<&Refusal>) -> Key {
    let is_about_a_key = refusal.is_some_and(|it| it.code.as_deref() == Some(INVALID_API_KEY));
    let works_now = if is_about_a_key {
        match api.actions(device, 0, 1).await {
            Answer::Ok(_) => Some(true),
            Answer::Refused(refusal) if refusal.status == 401 => Some(false),
            Answer::Refused(_) | Answer::NotSent { .. } | Answer::Lost { .. } => None,
        }
    } else {
        None
    };
    Key {
        has_worked: api.key_has_worked(),
        works_now,
    }
}
