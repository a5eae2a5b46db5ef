//! Looks at the certificates of one connection: first as everybody does, then at the keys of the path that was verified.
//!
//! The other side may present any certificate beside its own, also the genuine authority's, which is public. So a key counts
//! only if it is on a path whose signatures were checked from the other side's own certificate up to an authority that is
//! trusted: that authority's key, those in between, and the own one.
//!
//! Laws:
//! - what is not accepted without pins is not accepted with them, whatever they say;
//! - one pinned key on one path that can be verified is enough; with none of them on any, `enforce` refuses and `report` does
//!   not;
//! - after their last day pins only report.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use betcode_core::config::{Pin, Pinning};
use betcode_core::time::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath, spki_for_anchor};

use super::name;
use super::trust::{Root, Trust};

/// The keys of which one must be seen.
#[derive(Debug, Default)]
pub(super) struct Pins {
    pub(super) keys: Vec<Pin>,
    /// From then on they only report.
    pub(super) until: Option<Timestamp>,
    pub(super) pinning: Pinning,
}

/// A key on the verified path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySeen {
    /// Whose it is.
    pub name: String,
    /// Its hash.
    pub pin: Pin,
}

/// What the pins came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PinState {
    /// There are none, or nobody looks.
    #[default]
    Off,
    /// This key was seen.
    Met(Pin),
    /// None was seen, and the connection refused for that.
    Refused,
    /// None was seen, and that is only reported.
    Reported {
        /// Whether it would have been refused before the last day of the pins was over.
        expired: bool,
    },
}

impl PinState {
    /// Whether none was seen.
    pub const fn is_missed(self) -> bool {
        matches!(self, Self::Refused | Self::Reported { .. })
    }
}

/// What came of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It leads to an authority that is trusted, and belongs to the host.
    Good,
    /// It is somebody else's: no authority that is trusted stands for it, or it belongs to another host.
    Foreign,
    /// It would be good, but for the pins.
    NotPinned,
    /// Something else is wrong with it.
    Bad(Wrong),
}

impl Default for Verdict {
    fn default() -> Self {
        Self::Bad(Wrong::Other)
    }
}

/// What can be wrong with a certificate that is not somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYet,
    /// It cannot be read, or is for another purpose.
    Other,
}

/// What the other side showed of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight {
    /// Who issued its certificate; not verified unless there are keys.
    pub issuer: String,
    /// The keys of the verified path, its own first; none where nothing was verified.
    pub keys: Vec<KeySeen>,
    /// Where the authority at its end comes from.
    pub root: Option<Root>,
    /// What the pins came to.
    pub pins: PinState,
    pub(super) verdict: Verdict,
}

impl Sight {
    /// The key of whoever issued the certificate, or the only one.
    pub fn authority(&self) -> Option<&KeySeen> {
        self.keys.get(1).or_else(|| self.keys.first())
    }
}

/// The look at one connection.
#[derive(Debug)]
pub(super) struct Watch {
    trust: Arc<Trust>,
    pins: Arc<Pins>,
    sight: Mutex<Option<Sight>>,
}

impl Watch {
    pub(super) fn new(trust: &Arc<Trust>, pins: &Arc<Pins>) -> Self {
        Self {
            trust: Arc::clone(trust),
            pins: Arc::clone(pins),
            sight: Mutex::default(),
        }
    }

    /// What was seen; nothing if it did not come to that.
    pub(super) fn sight(&self) -> Option<Sight> {
        let sight = self.sight.lock().unwrap_or_else(PoisonError::into_inner);
        sight.clone()
    }

    fn keep(&self, sight: Sight) {
        *self.sight.lock().unwrap_or_else(PoisonError::into_inner) = Some(sight);
    }

    /// The keys of a path that can be verified: of one with a pinned key on it if there is one.
    fn path(
        &self,
        certificate: &EndEntityCert<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Path {
        let Pins { keys, pinning, .. } = &*self.pins;
        let wanted = if *pinning == Pinning::Off {
            &[]
        } else {
            keys.as_slice()
        };
        let seen: RefCell<Path> = RefCell::default();
        let look = |path: &VerifiedPath<'_>| {
            let keys = keys_of(path);
            let met = keys.iter().map(|key| key.pin);
            let met = met.into_iter().find(|pin| wanted.contains(pin));
            let mut seen = seen.borrow_mut();
            if met.is_some() || seen.keys.is_empty() {
                let root = Some(self.trust.root(path.anchor()));
                *seen = Path { keys, root, met };
            }
            // Another path may have one.
            if met.is_some() || wanted.is_empty() {
                Ok(())
            } else {
                Err(webpki::Error::UnknownIssuer)
            }
        };
        // What it comes to was noted on the way.
        let _ = certificate.verify_for_usage(
            self.trust.provider.signature_verification_algorithms.all,
            &self.trust.roots.roots,
            intermediates,
            now,
            KeyUsage::server_auth(),
            None,
            Some(&look),
        );
        seen.into_inner()
    }

    fn pins(&self, met: Option<Pin>, now: UnixTime) -> PinState {
        let Pins {
            keys,
            until,
            pinning,
        } = &*self.pins;
        if keys.is_empty() || *pinning == Pinning::Off {
            return PinState::Off;
        }
        if let Some(pin) = met {
            return PinState::Met(pin);
        }
        let until = until.and_then(|until| u64::try_from(until.0).ok());
        let is_over = until
            .is_none_or(|until| Duration::from_secs(now.as_secs()) >= Duration::from_micros(until));
        let enforced = *pinning == Pinning::Enforce;
        if enforced && !is_over {
            PinState::Refused
        } else {
            PinState::Reported { expired: enforced }
        }
    }
}

/// A path that was verified, or nothing.
#[derive(Debug, Default)]
struct Path {
    keys: Vec<KeySeen>,
    root: Option<Root>,
    met: Option<Pin>,
}

fn keys_of(path: &VerifiedPath<'_>) -> Vec<KeySeen> {
    let own = path.end_entity();
    let between = path.intermediate_certificates();
    let certificates = std::iter::once(KeySeen {
        name: name::read(own.subject()),
        pin: Pin::of(&own.subject_public_key_info()),
    });
    certificates
        .chain(between.map(|it| KeySeen {
            name: name::read(it.subject()),
            pin: Pin::of(&it.subject_public_key_info()),
        }))
        .chain(std::iter::once(key_of(path.anchor())))
        .collect()
}

fn key_of(anchor: &TrustAnchor<'_>) -> KeySeen {
    KeySeen {
        name: name::read(&anchor.subject),
        pin: Pin::of(&spki_for_anchor(anchor)),
    }
}

fn verdict(error: &Error) -> Verdict {
    use CertificateError as C;

    let Error::InvalidCertificate(error) = error else {
        return Verdict::Bad(Wrong::Other);
    };
    match error {
        C::UnknownIssuer
        | C::BadSignature
        | C::NotValidForName
        | C::NotValidForNameContext { .. } => Verdict::Foreign,
        C::Expired | C::ExpiredContext { .. } => Verdict::Bad(Wrong::Expired),
        C::NotValidYet | C::NotValidYetContext { .. } => Verdict::Bad(Wrong::NotYet),
        // An authority that vouches for itself, as made by hand.
        C::Other(other)
            if other.0.downcast_ref::<webpki::Error>()
                == Some(&webpki::Error::CaUsedAsEndEntity) =>
        {
            Verdict::Foreign
        }
        _ => Verdict::Bad(Wrong::Other),
    }
}

impl ServerCertVerifier for Watch {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = EndEntityCert::try_from(end_entity);
        let issuer = match &certificate {
            Ok(certificate) => name::read(certificate.issuer()),
            Err(_) => "an unknown authority".to_owned(),
        };
        let verified = self.trust.verifier.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        let (verified, certificate) = match (verified, certificate) {
            (Ok(verified), Ok(certificate)) => (verified, certificate),
            (Err(error), _) => {
                self.keep(Sight {
                    issuer,
                    verdict: verdict(&error),
                    ..Sight::default()
                });
                return Err(error);
            }
            (_, Err(_)) => return Err(CertificateError::BadEncoding.into()),
        };
        let Path { keys, root, met } = self.path(&certificate, intermediates, now);
        let pins = self.pins(met, now);
        let refused = pins == PinState::Refused;
        self.keep(Sight {
            issuer,
            keys,
            root,
            pins,
            verdict: if refused {
                Verdict::NotPinned
            } else {
                Verdict::Good
            },
        });
        if refused {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verifier = &self.trust.verifier;
        verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verifier = &self.trust.verifier;
        verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.verifier.supported_verify_schemes()
    }
}
