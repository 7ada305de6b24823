//! The sheet: a page of Markdown for the receivers of a bundle, which they can print. It has the values
//! to compare, the commands to type, and a table for who checked what. The same bundle and key give the
//! same page.

use crate::digest::Sha256Digest;
use crate::printable::human_bytes;
use crate::recipes::unpack;
use crate::recipes::{AICR, FILES, FILES_ON_WINDOWS, FINGERPRINTS, KeyName, Names, Recipe, SIGNATURE_ALONE};
use crate::release::Release;

/// What a sheet says of a bundle.
#[derive(Debug)]
pub(crate) struct Sheet<'a> {
    /// The name of the directory, without hidden characters.
    pub(crate) bundle: &'a str,
    /// The archive in which it comes, and whether that has volumes.
    pub(crate) archive: Option<(&'a str, bool)>,
    /// The keys that have signed it, at least one.
    pub(crate) keys: &'a [SheetKey<'a>],
    /// The release that it says to be.
    pub(crate) release: Option<&'a Release>,
    pub(crate) manifest: Sha256Digest,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

/// A key on a sheet.
#[derive(Debug)]
pub(crate) struct SheetKey<'a> {
    /// The name of its file, without hidden characters, and the path of its signature.
    pub(crate) name: KeyName<'a>,
    pub(crate) sha256: Sha256Digest,
}

impl Sheet<'_> {
    /// The page.
    pub(crate) fn markdown(&self) -> String {
        let Self { bundle, archive, keys, .. } = *self;
        let names: Vec<KeyName<'_>> = keys.iter().map(|key| key.name).collect();
        let block = |recipe: &Recipe| recipe.blocks(Names { bundle, keys: &names });
        let files = names.iter().map(|name| code(name.file)).collect::<Vec<_>>().join(" and ");
        let key = if names.len() == 1 { "the\npublic key in PEM" } else { "the\npublic keys in PEM" };
        let titled = |recipe: &Recipe| format!("{}:\n\n{}\n", recipe.title, block(recipe));
        [
            format!("# Release sheet: {}\n\n", code(bundle)),
            "This sheet must reach you by another way than the bundle. Whoever can change the bundle can\n\
             also change a sheet that comes with it.\n\n"
                .to_owned(),
            format!("```text\n{}```\n\n", self.values()),
            format!(
                "The commands use no network. They need {}, the bundle directory, and {files}, {key}, which must also reach you by another way.\n\n",
                code(bundle),
            ),
            archive.map(unpacked).unwrap_or_default(),
            "## 1. Compare the values\n\n".to_owned(),
            format!("{}\n", block(&FINGERPRINTS)),
            "## 2. Verify the bundle\n\n".to_owned(),
            format!("With aicr, which must print `accepted`:\n\n{}\n", block(&AICR)),
            format!(
                "Without aicr, first {}, with one of these. Use the newest cosign that is available,\n\
                 but before 3.1.3 the second command. Each must print `Verified OK`.\n\n",
                if names.len() == 1 { "the signature" } else { "each signature" }
            ),
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
        let Self { bundle: _, archive: _, keys, release, manifest, files, bytes } = self;
        let release =
            release.map(|Release { name, version, .. }| format!("release          {name} {version}\n"));
        let file = if *files == 1 { "file" } else { "files" };
        let size = match human_bytes(*bytes) {
            exact if *bytes < 1024 => exact,
            rounded => format!("{bytes} bytes ({rounded})"),
        };
        let keys = keys.iter().map(|SheetKey { name, sha256 }| {
            let digits = sha256.to_string();
            let groups: Vec<&str> = (0..64).step_by(4).map(|at| &digits[at..at + 4]).collect();
            let (first, second) = groups.split_at(8);
            let file = if keys.len() == 1 { String::new() } else { format!("{INDENT}in {}\n", name.file) };
            format!("key sha256       {}\n{INDENT}{}\n{file}", first.join(" "), second.join(" "))
        });
        format!(
            "{}content          {files} {file}, {size}\nmanifest sha256  {manifest}\n{}",
            release.unwrap_or_default(),
            keys.collect::<String>()
        )
    }
}

/// How a receiver unpacks the archive.
fn unpacked((archive, has_volumes): (&str, bool)) -> String {
    let volumes = if has_volumes { "volumes of " } else { "" };
    let command = unpack::command(archive, has_volumes);
    format!("The bundle comes in {volumes}{}. Unpack it first:\n\n```sh\n{command}\n```\n\n", code(archive))
}

/// What stands before the second line of a value.
const INDENT: &str = "                 ";

/// A name as code in Markdown, whatever is in it.
fn code(name: &str) -> String {
    let ticks = name.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(ticks + 1);
    if ticks == 0 { format!("{fence}{name}{fence}") } else { format!("{fence} {name} {fence}") }
}
