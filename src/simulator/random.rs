//! Ids that look drawn and are computed from a seed, so that a run can be repeated.

/// `SplitMix64`: short, and good enough for names.
#[derive(Debug)]
pub(crate) struct Random(u64);

const BASE_62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Characters after `act_` and `req_`; the documents call both opaque (`amps-api.md` §2).
const ID_CHARACTERS: usize = 12;

/// Characters after `msg_` (`webhooks.md` §2).
const MESSAGE_ID_CHARACTERS: usize = 27;

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut drawn = self.0;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        drawn ^ (drawn >> 31)
    }

    fn name(&mut self, prefix: &str, length: usize) -> String {
        let mut name = String::from(prefix);
        for _ in 0..length {
            let index = usize::try_from(self.draw() % 62).expect("61 fits");
            name.push(char::from(BASE_62[index]));
        }
        name
    }

    pub(crate) fn action_id(&mut self) -> String {
        self.name("act_", ID_CHARACTERS)
    }

    pub(crate) fn request_id(&mut self) -> String {
        self.name("req_", ID_CHARACTERS)
    }

    pub(crate) fn message_id(&mut self) -> String {
        self.name("msg_", MESSAGE_ID_CHARACTERS)
    }
}
