//! How connections are secured: rustls over ring, trusting whom the system trusts.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tracing::debug;

/// Built here and not by reqwest, which makes no client at all on a system without certificates.
pub(crate) fn config() -> Result<ClientConfig, rustls::Error> {
    Ok(
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots())
            .with_no_client_auth(),
    )
}

/// The certificates of the system; those that travel with the program where it has none.
fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (taken, ignored) = roots.add_parsable_certificates(found.certs);
    debug!(taken, ignored, "certificates of the system loaded");
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}
