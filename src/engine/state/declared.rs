//! What the engine remembers of what devices say they take.

use crate::domain::capabilities::{Declaration, Declared};
use crate::domain::id::DeviceId;
use crate::engine::state::State;

impl State {
    /// What the device said last of what it takes; none when it never did.
    pub fn declared(&self, device: &DeviceId) -> Option<&Declared> {
        self.declared.get(device)
    }

    pub(super) fn declare(&mut self, declaration: &Declaration) {
        let device = declaration.device.clone();
        match declaration.capabilities.clone() {
            Some(capabilities) => {
                let since = declaration.at;
                let declared = Declared {
                    since,
                    capabilities,
                };
                self.declared.insert(device, declared);
            }
            None => {
                self.declared.remove(&device);
            }
        }
    }
}
