//! Wake-ups after a commit. A hint: losing one costs time, never work.

use tokio::sync::watch;

/// What a commit has touched, for those who wait for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each stage that waits for news"
)]
pub(crate) struct Area {
    /// A command wants a request, now or later.
    pub(crate) requests: bool,
    /// A command waits for its report.
    pub(crate) reports: bool,
    pub(crate) notifications: bool,
    pub(crate) http: bool,
    pub(crate) settings: bool,
}

impl Area {
    pub(crate) const NOTHING: Self = Self {
        requests: false,
        reports: false,
        notifications: false,
        http: false,
        settings: false,
    };
    pub(crate) const REQUESTS: Self = Self {
        requests: true,
        ..Self::NOTHING
    };
    pub(crate) const REPORTS: Self = Self {
        reports: true,
        ..Self::NOTHING
    };
    pub(crate) const NOTIFICATIONS: Self = Self {
        notifications: true,
        ..Self::NOTHING
    };
    pub(crate) const HTTP: Self = Self {
        http: true,
        ..Self::NOTHING
    };

    pub(crate) const SETTINGS: Self = Self {
        settings: true,
        ..Self::NOTHING
    };

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            requests: self.requests || other.requests,
            reports: self.reports || other.reports,
            notifications: self.notifications || other.notifications,
            http: self.http || other.http,
            settings: self.settings || other.settings,
        }
    }
}

/// Something was committed that concerns the one who holds this.
pub(crate) type News = watch::Receiver<()>;

/// The news of each area.
#[derive(Debug)]
pub(crate) struct AllNews {
    pub(crate) requests: News,
    pub(crate) reports: News,
    pub(crate) notifications: News,
    pub(crate) http: News,
    pub(crate) settings: News,
}

#[derive(Debug, Default)]
pub(super) struct Signals {
    requests: watch::Sender<()>,
    reports: watch::Sender<()>,
    notifications: watch::Sender<()>,
    http: watch::Sender<()>,
    settings: watch::Sender<()>,
}

impl Signals {
    /// Receivers for the news of each area.
    pub(super) fn subscribe(&self) -> AllNews {
        AllNews {
            requests: self.requests.subscribe(),
            reports: self.reports.subscribe(),
            notifications: self.notifications.subscribe(),
            http: self.http.subscribe(),
            settings: self.settings.subscribe(),
        }
    }

    pub(super) fn raise(&self, area: Area) {
        if area.requests {
            self.requests.send_replace(());
        }
        if area.reports {
            self.reports.send_replace(());
        }
        if area.notifications {
            self.notifications.send_replace(());
        }
        if area.http {
            self.http.send_replace(());
        }
        if area.settings {
            self.settings.send_replace(());
        }
    }
}
