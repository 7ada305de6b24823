//! `initialize`: cosign fetches the trusted root and the signing config of the public Sigstore from
//! its TUF repository, and verifies them with its built-in keys. From then on, the public Sigstore
//! is handled like a private one.

use camino::{Utf8Path, Utf8PathBuf};

use super::argv::Operation;
use super::capability::Dialect;
use super::private_directory::PrivateDirectory;
use super::{Cosign, diagnosis, environment};
use crate::error::{Class, Failure, Result};
use crate::sigstore::file::{Malformed, SIZE_LIMIT};
use crate::sigstore::signing_config::SigningConfig;
use crate::sigstore::trusted_root::TrustedRoot;
use crate::small_file::{self, Links};

/// The files that the public Sigstore publishes.
pub(crate) struct PublicSigstore {
    /// The keys and certificates of its services.
    pub(crate) root: TrustedRoot,
    /// The addresses of its services, if this cosign fetches them; or why they cannot be read.
    pub(crate) config: Option<Result<SigningConfig, Malformed>>,
}

/// How deep the files lie in the home directory. Releases differ: some make a directory per
/// repository, and some have `targets` in it.
const DEPTH: usize = 4;

impl Cosign<'_> {
    /// Fetches them. `Class::Unproven` if that fails.
    pub(crate) fn public_sigstore(&self) -> Result<PublicSigstore> {
        if self.dialect == Dialect::LegacyBundle {
            return Err(self.cannot(("cannot use the root of the public Sigstore", "2.4 or later")));
        }
        let private = PrivateDirectory::new(&self.session.temporary)?;
        let variables = environment::fetching(self.session.environment, private.path());
        let failed = "the root of the public Sigstore could not be fetched";
        let finished = self.run(Operation::Initialize, variables, &private).map_err(|failure| {
            if failure.class() == Class::Unproven { failure.unanswered(failed) } else { failure }
        })?;
        let unproven = |message: String| {
            let output = diagnosis::shown(&finished.stderr);
            Failure::new(Class::Unproven, message).with_cosign_output(output)
        };
        if !finished.status.success() {
            return Err(unproven(failed.to_owned()));
        }
        let place = private.path().join("home");
        let read = |name: &str| {
            let file = find(&place, name, DEPTH)?;
            small_file::read(&file, SIZE_LIMIT, Links::Refuse).ok()
        };
        let Some(root) = read("trusted_root.json") else {
            return Err(unproven(format!("{failed}: cosign stored no trusted_root.json")));
        };
        let root = TrustedRoot::parse(&root).map_err(|why| unproven(format!("{failed}: it {why}")))?;
        let config = read("signing_config.v0.2.json").map(|text| SigningConfig::parse(&text));
        private.close()?;
        Ok(PublicSigstore { root, config })
    }
}

/// The file with this name, at most `depth` directories down.
fn find(place: &Utf8Path, name: &str, depth: usize) -> Option<Utf8PathBuf> {
    let here = place.join(name);
    if here.is_file() {
        return Some(here);
    }
    let depth = depth.checked_sub(1)?;
    let entries = place.read_dir_utf8().ok()?.flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .find_map(|entry| find(entry.path(), name, depth))
}
