//! Wake-ups after a commit. A hint: losing one costs time, never work.

use tokio::sync::watch;

/// What a commit has touched, for those who wait for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) commands: bool,
    pub(crate) notifications: bool,
}

impl Area {
    pub(crate) const COMMANDS: Self = Self {
        commands: true,
        notifications: false,
    };
    pub(crate) const NOTIFICATIONS: Self = Self {
        commands: false,
        notifications: true,
    };

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            commands: self.commands || other.commands,
            notifications: self.notifications || other.notifications,
        }
    }
}

/// Something was committed that concerns the one who holds this.
pub(crate) type News = watch::Receiver<()>;

#[derive(Debug, Default)]
pub(super) struct Signals {
    commands: watch::Sender<()>,
    notifications: watch::Sender<()>,
}

impl Signals {
    /// Receivers for the commands' and the notifications' news.
    pub(super) fn subscribe(&self) -> (News, News) {
        (self.commands.subscribe(), self.notifications.subscribe())
    }

    pub(super) fn raise(&self, area: Area) {
        if area.commands {
            self.commands.send_replace(());
        }
        if area.notifications {
            self.notifications.send_replace(());
        }
    }
}
