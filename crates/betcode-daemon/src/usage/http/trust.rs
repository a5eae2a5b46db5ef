//! Which authorities are trusted: those of the system, and those in files that somebody has named, such as a company's whose
//! proxy looks into connections. Whether a certificate leads to one of them is looked at elsewhere.
//!
//! Laws: what cannot be read in a file that the settings name is an error, in one that a variable names a complaint; a file
//! adds authorities and takes none away.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};

use super::verify::Watch;
use super::{ConfigProblem, SystemRoots};
use crate::clock::Clock;
use crate::text;

/// Variables that name a file with certificates, as other programs know them.
const VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"];
/// The first tag of a certificate that is not written as text.
const SEQUENCE: u8 = 0x30;

/// Where an authority comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// From the system's certificates.
    System,
    /// From a file that somebody has named.
    File(String),
}

/// Who is trusted.
#[derive(Debug)]
pub(super) struct Trust {
    pub(super) roots: Arc<RootCertStore>,
    pub(super) verifier: Arc<WebPkiServerVerifier>,
    pub(super) provider: Arc<CryptoProvider>,
    /// The authorities that the system does not know, and the file of each.
    added: Vec<(TrustAnchor<'static>, String)>,
}

impl Trust {
    /// Reads everything, and gives a line for everything that is wrong and does no harm.
    pub(super) fn load(
        system: &SystemRoots,
        files: &[String],
        variables: &BTreeMap<String, String>,
    ) -> Result<(Self, Vec<String>), ConfigProblem> {
        let (mut roots, mut complaints) = (RootCertStore::empty(), Vec::new());
        // The systems keep authorities that nobody can use any more: those are left out.
        roots.add_parsable_certificates(of_system(system, &mut complaints));
        let known = roots.roots.len();
        let mut added = Vec::new();
        for name in VARIABLES {
            let file = variables.get(name).filter(|file| !file.is_empty());
            if let Some(file) = file
                && let Err(why) = add(&mut roots, file, &mut added)
            {
                complaints.push(format!("{name}: {file} {why}"));
            }
        }
        for file in files {
            add(&mut roots, file, &mut added).map_err(|why| ConfigProblem::CaFile {
                file: file.clone(),
                why,
            })?;
        }
        let of_system = roots.roots.get(..known).unwrap_or_default();
        added.retain(|(anchor, _)| !of_system.iter().any(|it| is_same(it, anchor)));

        let provider = Arc::new(ring::default_provider());
        let roots = Arc::new(roots);
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
                .build()
                .map_err(|_| ConfigProblem::NoCertificates)?;
        let trust = Self {
            roots,
            verifier,
            provider,
            added,
        };
        Ok((trust, complaints))
    }

    /// How one connection is secured. Nothing is kept for the next one.
    pub(super) fn config(
        &self,
        watch: &Arc<Watch>,
        clock: &Clock,
    ) -> Result<ClientConfig, rustls::Error> {
        let time = Arc::new(TimeOfDay(clock.clone()));
        let verifier = Arc::clone(watch) as Arc<dyn rustls::client::danger::ServerCertVerifier>;
        let mut config = ClientConfig::builder_with_details(Arc::clone(&self.provider), time)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Where an authority comes from.
    pub(super) fn root(&self, anchor: &TrustAnchor<'_>) -> Root {
        let mut added = self.added.iter();
        added
            .find(|(it, _)| is_same(it, anchor))
            .map_or(Root::System, |(_, file)| Root::File(file.clone()))
    }
}

/// The same name and the same key.
fn is_same(one: &TrustAnchor<'_>, other: &TrustAnchor<'_>) -> bool {
    one.subject == other.subject && one.subject_public_key_info == other.subject_public_key_info
}

fn add(
    roots: &mut RootCertStore,
    file: &str,
    added: &mut Vec<(TrustAnchor<'static>, String)>,
) -> Result<(), String> {
    let before = roots.roots.len();
    for certificate in certificates(Path::new(file))? {
        roots
            .add(certificate)
            .map_err(|_| "has a certificate that cannot be read".to_owned())?;
    }
    let new = roots.roots.get(before..).unwrap_or_default();
    added.extend(new.iter().map(|anchor| (anchor.clone(), file.to_owned())));
    Ok(())
}

/// The certificates in a file, at least one. An error is what is wrong with the file.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let Some(bytes) = text::whole_bytes(file)? else {
        return Err("is not there".to_owned());
    };
    if bytes.first() == Some(&SEQUENCE) {
        return Ok(vec![CertificateDer::from(bytes)]);
    }
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err("has no certificate in it".to_owned()),
        Ok(certificates) => Ok(certificates),
        Err(_) => Err("has a certificate that cannot be read".to_owned()),
    }
}

fn of_system(system: &SystemRoots, complaints: &mut Vec<String>) -> Vec<CertificateDer<'static>> {
    match system {
        SystemRoots::None => Vec::new(),
        SystemRoots::File(file) => of_first(&[file.as_path()], complaints),
        SystemRoots::Usual => usual(complaints),
    }
}

/// Those in the first of the files that is there.
fn of_first(files: &[&Path], complaints: &mut Vec<String>) -> Vec<CertificateDer<'static>> {
    for file in files.iter().filter(|file| file.exists()) {
        match certificates(file) {
            Ok(certificates) => return certificates,
            Err(why) => complaints.push(format!("{} {why}", file.display())),
        }
    }
    Vec::new()
}

/// Linux and the BSDs keep them in one file.
#[cfg(not(any(windows, target_vendor = "apple")))]
fn usual(complaints: &mut Vec<String>) -> Vec<CertificateDer<'static>> {
    const FILES: [&str; 6] = [
        // Debian, Arch, Alpine, NixOS.
        "/etc/ssl/certs/ca-certificates.crt",
        // Fedora, with what was added by hand.
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/pki/tls/certs/ca-bundle.crt",
        // openSUSE.
        "/etc/ssl/ca-bundle.pem",
        "/var/lib/ca-certificates/ca-bundle.pem",
        // The BSDs.
        "/etc/ssl/cert.pem",
    ];
    of_first(&FILES.map(Path::new), complaints)
}

/// The others have a store that is asked.
#[cfg(any(windows, target_vendor = "apple"))]
fn usual(complaints: &mut Vec<String>) -> Vec<CertificateDer<'static>> {
    let found = rustls_native_certs::load_native_certs();
    complaints.extend(found.errors.iter().map(ToString::to_string));
    found.certs
}

/// Certificates are valid by the same clock as everything else.
#[derive(Debug)]
struct TimeOfDay(Clock);

impl TimeProvider for TimeOfDay {
    fn current_time(&self) -> Option<UnixTime> {
        let since = u64::try_from(self.0.now().0).ok()?;
        Some(UnixTime::since_unix_epoch(
            std::time::Duration::from_micros(since),
        ))
    }
}
