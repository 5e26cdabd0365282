//! How every connection of this crate is encrypted and whom it trusts.

use std::sync::Arc;

use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// Certificates of the authorities that the system trusts.
pub(crate) fn system_roots() -> Vec<Certificate<'static>> {
    let system = rustls_native_certs::load_native_certs();
    system.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect()
}

/// TLS that trusts these authorities.
pub(crate) fn config(roots: RootCerts) -> TlsConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider).build()
}
