//! `initialize`: cosign fetches what the public Sigstore says of itself, from its TUF repository, and checks
//! that against the keys that are built into it. From there on the public Sigstore is one like any other.

use camino::{Utf8Path, Utf8PathBuf};

use super::argv::Operation;
use super::capability::Dialect;
use super::private_directory::PrivateDirectory;
use super::{Cosign, diagnosis, environment};
use crate::error::{Class, Failure, Result};
use crate::sigstore::file::SIZE_LIMIT;
use crate::sigstore::signing_config::SigningConfig;
use crate::sigstore::trusted_root::TrustedRoot;
use crate::small_file::{self, Links};

/// What the public Sigstore says of itself.
pub(crate) struct PublicSigstore {
    /// What it is checked against.
    pub(crate) root: TrustedRoot,
    /// Where its services are, if this cosign fetches that; or what is wrong with it, as the end of a sentence.
    pub(crate) config: Option<Result<SigningConfig, String>>,
}

/// Below the place for it, in a directory per repository or not, `targets` or not: that differs.
const DEPTH: usize = 4;

impl Cosign<'_> {
    /// Fetches it. `Class::Unproven` if that fails.
    pub(crate) fn public_sigstore(&self) -> Result<PublicSigstore> {
        if self.dialect == Dialect::LegacyBundle {
            return Err(self.cannot(("reads nothing that the public root could be for", "2.4 or later")));
        }
        let private = PrivateDirectory::new(&self.session.temporary)?;
        let variables = environment::fetching(self.session.environment, private.path());
        let failed = "the root of the public Sigstore could not be fetched";
        let finished = self.run(Operation::Initialize, variables, None, &private).map_err(|failure| {
            if failure.class() == Class::Unproven { failure.unanswered(failed) } else { failure }
        })?;
        let unproven = |message: String| {
            let said = diagnosis::shown(&finished.stderr);
            Failure::new(Class::Unproven, message).cosign_said(said)
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
            return Err(unproven(format!(
                "{failed}: there is no trusted_root.json in what cosign keeps of it"
            )));
        };
        let root = TrustedRoot::parse(&root).map_err(|why| unproven(format!("{failed}: it {why}")))?;
        let config = read("signing_config.v0.2.json").map(|text| SigningConfig::parse(&text));
        private.close()?;
        Ok(PublicSigstore { root, config })
    }
}

/// The file of this name, at most so many directories down.
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
