//! The system's certificate authorities: where they usually are.

use std::path::Path;

/// Debian, Ubuntu, Alpine; Fedora, RHEL; openSUSE; older RHEL; macOS, FreeBSD.
const USUAL: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
];

/// The bundle to render: the one asked for, else `SSL_CERT_FILE`, else the first that is there. Where none is (Envoy may
/// run elsewhere, in a container) the commonest path of all.
pub(super) fn bundle(asked: Option<&str>) -> String {
    let named = std::env::var("SSL_CERT_FILE").ok().filter(|path| !path.is_empty());
    let found = || USUAL.into_iter().find(|path| Path::new(path).is_file()).map(ToOwned::to_owned);
    asked.map(ToOwned::to_owned).or(named).or_else(found).unwrap_or_else(|| USUAL[0].to_owned())
}
