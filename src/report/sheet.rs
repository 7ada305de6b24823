//! The sheet: a page of Markdown for the receivers of a bundle, which they can print. It has the values
//! to compare, the commands to type, and a table for who checked what. The same bundle and key give the
//! same page.

use crate::digest::Sha256Digest;
use crate::printable::human_bytes;
use crate::recipes::{AICR, FILES, FILES_ON_WINDOWS, FINGERPRINTS, Recipe, SIGNATURE_ALONE};
use crate::release::Release;

/// What a sheet says of a bundle.
#[derive(Debug)]
pub(crate) struct Sheet<'a> {
    /// The names of the directory and of the key file, without hidden characters.
    pub(crate) bundle: &'a str,
    pub(crate) key: &'a str,
    /// The release that it says to be.
    pub(crate) release: Option<&'a Release>,
    pub(crate) manifest: Sha256Digest,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) key_sha256: Sha256Digest,
}

impl Sheet<'_> {
    /// The page.
    pub(crate) fn markdown(&self) -> String {
        let Self { bundle, key, .. } = *self;
        let block = |recipe: &Recipe| recipe.block(bundle, key);
        let titled = |recipe: &Recipe| format!("{}:\n\n{}\n", recipe.title, block(recipe));
        [
            format!("# Release sheet: {}\n\n", code(bundle)),
            "This sheet must reach you by another way than the bundle. Whoever can change the bundle can\n\
             also change a sheet that comes with it.\n\n"
                .to_owned(),
            format!("```text\n{}```\n\n", self.values()),
            format!(
                "The commands use no network. They need {}, the bundle directory, and {}, the\n\
                 public key in PEM, which must also reach you by another way.\n\n",
                code(bundle),
                code(key)
            ),
            "## 1. Compare the values\n\n".to_owned(),
            format!("{}\n", block(&FINGERPRINTS)),
            "## 2. Verify the bundle\n\n".to_owned(),
            format!("With aicr, which must print `accepted`:\n\n{}\n", block(&AICR)),
            "Without aicr, first the signature, with one of these. Use the newest cosign that is available,\n\
             but before 3.1.3 the second command. Each must print `Verified OK`.\n\n"
                .to_owned(),
            SIGNATURE_ALONE.iter().map(titled).collect(),
            "Then the files. Nothing may be printed.\n\n".to_owned(),
            titled(&FILES),
            format!(
                "{} 5.1 or later (the tests of aicr do not run this recipe):\n\n{}\n",
                FILES_ON_WINDOWS.title,
                block(&FILES_ON_WINDOWS)
            ),
            "## 3. Checked\n\n\
             | by | date and time | result | signature |\n\
             | --- | --- | --- | --- |\n\
             | &nbsp; | | | |\n"
                .to_owned(),
        ]
        .concat()
    }

    /// The values to compare, one a line; the digits of the key as people read them to each other.
    fn values(&self) -> String {
        let Self { bundle: _, key: _, release, manifest, files, bytes, key_sha256 } = self;
        let release =
            release.map(|Release { name, version, .. }| format!("release          {name} {version}\n"));
        let file = if *files == 1 { "file" } else { "files" };
        let size = match human_bytes(*bytes) {
            exact if *bytes < 1024 => exact,
            rounded => format!("{bytes} bytes ({rounded})"),
        };
        let digits = key_sha256.to_string();
        let groups: Vec<&str> = (0..64).step_by(4).map(|at| &digits[at..at + 4]).collect();
        let (first, second) = groups.split_at(8);
        format!(
            "{}content          {files} {file}, {size}\n\
             manifest sha256  {manifest}\n\
             key sha256       {}\n                 {}\n",
            release.unwrap_or_default(),
            first.join(" "),
            second.join(" ")
        )
    }
}

/// A name as code in Markdown, whatever is in it.
fn code(name: &str) -> String {
    let ticks = name.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(ticks + 1);
    if ticks == 0 { format!("{fence}{name}{fence}") } else { format!("{fence} {name} {fence}") }
}
