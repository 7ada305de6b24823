//! What `verify` verifies: a bundle of aicr, an archive of one, or a release that aicr did not build. Each has a
//! manifest, a signature over it, and files; where and in which form, only this file, `received_archive` and
//! `foreign_release` know.

use camino::{Utf8Path, Utf8PathBuf};

use crate::commands::bundle_check::{self, check_files, manifest_text};
use crate::commands::foreign_release::ForeignRelease;
use crate::commands::not_a_bundle;
use crate::commands::received_archive::ReceivedArchive;
use crate::commands::signatures::{self, SignatureFile};
use crate::context::Context;
use crate::digest::Sha256Digest;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::plan::verify::{ExpectedRelease, ForeignPlan};
use crate::release::{RELEASE, Release};
use crate::report::{BundleReport, Verdict};
use crate::sigstore::public_key::PublicKey;
use crate::tree::MANIFEST;
use crate::tree::check::{Checked, Keep};
use crate::tree::layout::Layout;
use crate::tree::manifest::Manifest;
use crate::tree::manifest::foreign::ForeignManifest;
use crate::tree::rooted_dir::RootedDir;

/// The hint for receivers of a malformed manifest. A new manifest would sign off whatever files are
/// there.
pub(super) const AGAIN: &str = "get the bundle again from where it came from";

/// What a BUNDLE of the command line is.
pub(crate) enum BundlePlace {
    Directory(RootedDir),
    Archive(ReceivedArchive),
}

/// Opens the BUNDLEs of a command line. One that is neither a directory nor an archive of aicr is exit 2. Releases of
/// others are never archives.
pub(crate) fn open(paths: &[Utf8PathBuf], are_foreign: bool, context: &Context) -> Result<Vec<BundlePlace>> {
    let open = |path: &Utf8PathBuf| {
        let archive = if are_foreign { None } else { ReceivedArchive::open(path, context)? };
        match archive {
            Some(archive) => Ok(BundlePlace::Archive(archive)),
            None => not_a_bundle::open_one(path).map(BundlePlace::Directory),
        }
    };
    paths.iter().map(open).collect()
}

/// What is verified.
pub(crate) enum Received<'a> {
    /// A bundle of aicr.
    Bundle(&'a RootedDir),
    /// A bundle of aicr in an archive.
    Archive(&'a ReceivedArchive),
    Foreign(&'a RootedDir, ForeignRelease<'a>),
}

/// The signatures of a release, at least one.
pub(crate) enum Signatures {
    /// By different signers.
    Several(Vec<SignatureFile>),
    /// One signature that does not name its key, read as one by each key that may have made it.
    Readings(Vec<SignatureFile>),
}

impl Signatures {
    pub(crate) fn files(&self) -> &[SignatureFile] {
        match self {
            Self::Several(files) | Self::Readings(files) => files,
        }
    }

    /// The signatures with their places. Of several readings, the one at the place `accepted`.
    pub(crate) fn keep(self, accepted: usize) -> Vec<(SignatureFile, usize)> {
        match self {
            Self::Several(files) => files.into_iter().zip(0..).collect(),
            Self::Readings(files) => {
                files.into_iter().zip(0..).filter(|(_, place)| *place == accepted).collect()
            }
        }
    }
}

/// The signatures that were read.
pub(crate) struct ReadSignatures {
    pub(crate) signatures: Signatures,
    /// The file that the one was read from, if that lies in a release that aicr did not build.
    pub(crate) file: Option<OwnFile>,
}

/// An own file of a release, with the bytes that were read.
pub(crate) struct OwnFile {
    pub(crate) name: String,
    pub(crate) sha256: Sha256Digest,
    pub(crate) size: u64,
}

impl OwnFile {
    pub(crate) fn new(name: &str, bytes: &[u8]) -> Self {
        Self { name: name.to_owned(), sha256: Sha256Digest::of(bytes), size: bytes.len() as u64 }
    }
}

/// What the files show if a text is their manifest.
pub(crate) struct Seen<'m> {
    pub(crate) listed: Listed<'m>,
    pub(crate) checked: Checked,
    /// Which release a bundle says that it is.
    pub(crate) release: Option<Release>,
    /// The rejection of an archive that was not read to its end.
    pub(crate) bad: Option<Failure>,
}

/// The files of a copy.
pub(crate) enum Listed<'m> {
    /// Those of a bundle, without its manifest and signature.
    Bundle(Manifest<'m>),
    /// All of a release that aicr did not build.
    Whole(ForeignManifest),
}

impl<'a> Received<'a> {
    /// What is in a place. What `foreign` makes impossible is exit 2.
    pub(crate) fn new(place: &'a BundlePlace, foreign: Option<&'a ForeignPlan>) -> Result<Self> {
        match (place, foreign) {
            (BundlePlace::Archive(archive), _) => Ok(Self::Archive(archive)),
            (BundlePlace::Directory(directory), None) => Ok(Self::Bundle(directory)),
            (BundlePlace::Directory(directory), Some(plan)) => {
                Ok(Self::Foreign(directory, ForeignRelease::new(plan, directory)?))
            }
        }
    }

    /// Its path as typed.
    pub(crate) fn path(&self) -> &Utf8Path {
        match self {
            Self::Bundle(directory) | Self::Foreign(directory, _) => directory.path(),
            Self::Archive(archive) => archive.path(),
        }
    }

    /// Its path, ready to print.
    pub(crate) fn top(&self) -> String {
        self.show("")
    }

    /// The path of a file in it, ready to print.
    pub(crate) fn show(&self, path: &str) -> String {
        match self {
            Self::Bundle(directory) | Self::Foreign(directory, _) => directory.show(path.as_bytes()),
            Self::Archive(archive) => archive.show(path),
        }
    }

    /// The name of the manifest, in the top-level directory.
    pub(crate) fn manifest_name(&self) -> &str {
        match self {
            Self::Bundle(_) | Self::Archive(_) => MANIFEST,
            Self::Foreign(_, foreign) => foreign.manifest_name(),
        }
    }

    /// The bytes of the manifest. An archive has them once.
    pub(crate) fn manifest_text(&self) -> Result<Vec<u8>> {
        match self {
            Self::Bundle(directory) => manifest_text(directory, || not_a_bundle::elsewhere(directory)),
            Self::Archive(archive) => archive.manifest_text(),
            Self::Foreign(directory, foreign) => foreign.manifest_text(directory),
        }
    }

    /// The signatures over a manifest with this digest, parsed strictly. Some forms do not say which key
    /// made the signature; such a one is taken for a signature by each of `keys`.
    pub(crate) fn signatures(&self, digest: Sha256Digest, keys: &[PublicKey]) -> Result<ReadSignatures> {
        let files = match self {
            Self::Foreign(directory, foreign) => return foreign.signature(directory, digest, keys),
            Self::Archive(archive) => archive.signatures()?,
            Self::Bundle(directory) => {
                let files = signatures::read(directory)?;
                if files.is_empty() {
                    return Err(not_a_bundle::without_signature(directory));
                }
                files
            }
        };
        Ok(ReadSignatures { signatures: Signatures::Several(files), file: None })
    }

    /// Compares the release and then the files with these bytes as their manifest. `signature` is the file of the
    /// signature, for a copy of it. Without an expected release, every file is read, however many bytes there are.
    pub(crate) fn look<'m>(
        &self,
        text: &'m [u8],
        signature: Option<&OwnFile>,
        expected: Option<&ExpectedRelease>,
        keep: Keep<'_>,
        context: &Context,
        interrupt: &Interrupt,
    ) -> Result<Seen<'m>> {
        let bundle = match self {
            Self::Bundle(directory) => *directory,
            Self::Archive(archive) => return archive.look(text, expected, keep, context, interrupt),
            Self::Foreign(directory, foreign) => {
                let (whole, checked) = foreign.check(directory, text, signature, keep, context, interrupt)?;
                return Ok(Seen { listed: Listed::Whole(whole), checked, release: None, bad: None });
            }
        };
        let manifest = Manifest::unproven(text)
            .map_err(|error| error.rejects(bundle.show(MANIFEST.as_bytes())).hint(AGAIN))?;
        let release = expected.and_then(|_| bundle_check::release(bundle, &manifest));
        if let Some(expected) = expected {
            expect(&bundle.show(b""), &manifest, expected, release.as_ref())?;
        }
        let layout = Layout::Bundle;
        let checked = check_files(bundle, &manifest, layout, release.as_ref(), keep, context, interrupt)?;
        Ok(Seen { listed: Listed::Bundle(manifest), checked, release, bad: None })
    }

    /// The report about a manifest with this digest and its files: `good` if nothing is wrong with them.
    pub(crate) fn report(
        &self,
        digest: Sha256Digest,
        checked: Checked,
        bad: Option<Failure>,
        good: Verdict,
        context: &Context,
    ) -> BundleReport {
        let mut report = bundle_check::report_at(self.path(), &self.top(), digest, checked, good, context);
        if bad.is_some() {
            report.error = bad;
        }
        report
    }

    /// The report about a failure.
    pub(crate) fn failed(&self, failure: Failure) -> BundleReport {
        BundleReport::failed(self.path(), failure)
    }

    /// Completes a report with what only an archive has.
    pub(crate) fn complete(&self, report: &mut BundleReport, context: &Context) -> Result<()> {
        match self {
            Self::Archive(archive) => archive.complete(report, context),
            Self::Bundle(_) | Self::Foreign(..) => Ok(()),
        }
    }
}

/// Rejects a bundle that is not the expected release.
pub(super) fn expect(
    top: &str,
    manifest: &Manifest<'_>,
    expected: &ExpectedRelease,
    release: Option<&Release>,
) -> Result<()> {
    match release {
        _ if !expected.is_some() => Ok(()),
        Some(release) => match expected.difference(release) {
            Some(difference) => Err(Failure::rejected(format!("{top} {difference}")).hint(
                "check that this is the medium that you expect: somebody may have sent you an old release",
            )),
            None => Ok(()),
        },
        None if manifest.find(RELEASE.as_bytes()).is_some() => Err(Failure::rejected(format!(
            "{top} does not say which release it is: its {RELEASE} is missing, changed, or not written by aicr"
        ))),
        None => {
            Err(Failure::rejected(format!("{top} does not say which release it is: it has no {RELEASE}"))
                .hint("the sender builds it with --release-name and --release-version"))
        }
    }
}
