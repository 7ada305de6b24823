//! What the manual pages say besides the flags: descriptions, variables and files.

use crate::cli::examples::{self, Example};

/// A name, and what it means.
pub(super) type Entry = (&'static str, &'static str);

/// The texts of one page.
pub(super) struct Page {
    /// Paragraphs with a blank line between them; lines of at most 76 characters.
    pub(super) description: &'static str,
    pub(super) examples: &'static [Example],
    /// Variables that only some commands read.
    environment: &'static [Entry],
    pub(super) files: &'static [Entry],
}

impl Page {
    /// The texts of the page of a command, or of aicr(1).
    pub(super) fn of(command: Option<&str>) -> Self {
        match command {
            Some("bundle") => BUNDLE,
            Some("bundle-sign") => BUNDLE_SIGN,
            Some("pack") => PACK,
            Some("verify") => VERIFY,
            Some("inspect") => INSPECT,
            Some("sheet") => SHEET,
            Some("doctor") => DOCTOR,
            _ => AICR,
        }
    }

    pub(super) fn environment(&self) -> impl Iterator<Item = Entry> {
        self.environment.iter().chain(EVERY_COMMAND).copied()
    }
}

const AICR: Page = Page {
    description: "\
aicr builds a bundle from release files: the files, a manifest with their
SHA-256 digests, and a signature over the manifest. The installed cosign
signs, with a key file, a key in a key manager or an OIDC identity. With
--tlog-upload=false the signature is recorded in no transparency log.

aicr verify reports whether a directory is exactly what the signer signed:
no file changed, no file missing, no file added. It needs no network.",
    examples: examples::AICR,
    environment: SIGNING,
    files: &[MANIFEST, SIGNATURE, KEY, PUBLIC_KEY],
};

const BUNDLE: Page = Page {
    description: "\
aicr bundle copies the inputs to a new directory, writes the manifest, and
signs the manifest if --signing-key, --keyless or AICR_SIGNING_KEY is given.
Then it checks the signature. The bundle is moved to its place only after
everything succeeded. With --in-place it copies nothing, and writes the
manifest and the signature into the input directory.

By default cosign records the signature in a public transparency log. Use
--tlog-upload=false to record it nowhere.",
    examples: examples::BUNDLE,
    environment: SIGNING,
    files: &[MANIFEST, SIGNATURE, STAGING, KEY],
};

const BUNDLE_SIGN: Page = Page {
    description: "\
aicr bundle-sign compares each bundle with its manifest, and signs the
manifest. It never signs a bundle in which a file was changed, removed or
added. A bundle that this key has already signed as requested stays as it is,
and that is exit status 0.

With --add, signatures by other keys stay, and the new one is put next to them.

By default cosign records the signature in a public transparency log. Use
--tlog-upload=false to record it nowhere.",
    examples: examples::BUNDLE_SIGN,
    environment: SIGNING,
    files: &[MANIFEST, SIGNATURE, FURTHER, KEY],
};

const PACK: Page = Page {
    description: "\
aicr pack writes a bundle to one tar file, or with --volume-size to volumes:
FILE.001, FILE.002 and so on, and FILE.sha256 with their checksums. GNU tar,
bsdtar and BusyBox unpack it, and aicr verify reads it without unpacking it.

The same bundle gives the same bytes. The bundle is read once, and must be
exactly what its manifest says. A signature must be over this manifest; cosign
is not run. Sign a bundle before you pack it.

The archive has no top directory: create one, and unpack in it. The commands
are printed.",
    examples: examples::PACK,
    environment: &[],
    files: &[MANIFEST, SIGNATURE, VOLUMES, STAGING],
};

const VERIFY: Page = Page {
    description: "\
aicr verify lets cosign check the signature over the manifest, and compares
every file with the manifest. It accepts a bundle only if no file was changed,
removed or added. The flags decide which signature is required; the bundle
decides nothing.

--key FILE requires a signature by that key. With several, one of them must
have signed, or with --require N, N of them. Add --insecure-ignore-tlog if the
signature was made with --tlog-upload=false, or --trusted-root to check the
entry in a transparency log. --certificate-identity and
--certificate-oidc-issuer require a keyless signature.

--copy-to DIR copies the bundle while it is read. DIR has exactly the bytes
that were verified, and exists only if the bundle is accepted. --expect-name,
--expect-version and --at-least require a certain release. --receipt FILE
writes an in-toto statement about the result.

--shard I/N verifies all signatures, but only the I-th of N parts of the files.
The verdict is accepted-shard. The bundle is accepted if that is the verdict of
all N runs, with the same flags and the same manifest sha256.

BUNDLE can be an archive that aicr pack wrote: a file, its first volume
FILE.001, or - for standard input. It is read once and not unpacked; --copy-to
unpacks it.

With --manifest it verifies a release that aicr did not build: a checksum file,
the signature over it that cosign has made, and the listed files.

No network is used, except with --online, or if --key names a key in a key
manager.",
    examples: examples::VERIFY,
    environment: &[],
    files: &[MANIFEST, SIGNATURE, FURTHER, PUBLIC_KEY],
};

const INSPECT: Page = Page {
    description: "\
aicr inspect prints what a bundle says of itself: the SHA-256 of its manifest,
the number of files and bytes, who signed it, and the entry in a transparency
log. It also prints the aicr verify command for such a signature.

It describes a release that another tool built, too: a directory with a
checksum file and a signature next to it. Of an archive that aicr pack wrote,
only the head is read. Of a receipt, which aicr verify
--receipt writes, it prints what was verified, when, and with which result.

Nothing of it is proven: whoever made the bundle or the receipt can have
written anything. cosign is not run, and no payload is read.

A bundle that can be read is exit status 0, also if it is unsigned, or if the
signature is over another manifest. One that cannot be read is 5, and a PATH
that is none of these is 2.",
    examples: examples::INSPECT,
    environment: &[],
    files: &[MANIFEST, SIGNATURE, FURTHER],
};

const SHEET: Page = Page {
    description: "\
aicr sheet prints a page for the receivers of a signed bundle, as Markdown:
the SHA-256 of the manifest, the number of files and bytes, the fingerprint of
the key, and the commands that verify the bundle, with aicr and without it.
Receivers compare the values and note who checked them.

The page must reach them by another way than the bundle: whoever can change
the bundle can change a page next to it.

Each key of --key must have signed, by the names in the signatures, and all
signatures must be over this manifest. cosign is not run, and no payload is
read: use aicr verify to check the bundle.",
    examples: examples::SHEET,
    environment: &[],
    files: &[MANIFEST, SIGNATURE, FURTHER, PUBLIC_KEY],
};

const DOCTOR: Page = Page {
    description: "\
aicr doctor shows which cosign aicr uses, how it calls this cosign, and which
variables reach it. With --signing-key it also gets the public key from the
key manager, and reports what is missing. It signs nothing.",
    examples: examples::DOCTOR,
    environment: SIGNING,
    files: &[KEY],
};

const MANIFEST: Entry =
    ("checksums.txt", "The manifest of a bundle: a line for each file, as sha256sum(1) writes it.");
const SIGNATURE: Entry = (
    "attestation/checksums.txt.sigstore.json",
    "The signature over the manifest: a Sigstore bundle, which cosign can verify too.",
);
const FURTHER: Entry = (
    "attestation/checksums.txt.DIGITS.sigstore.json",
    "A signature by another key, of whose SHA-256 DIGITS are the first 16. There may be up to 15.",
);
const VOLUMES: Entry = (
    "FILE.001, FILE.sha256",
    "A volume of an archive, and the checksums of all volumes. They show which volume was damaged, and prove nothing.",
);
const STAGING: Entry = (
    ".NAME.aicr-staging",
    "The directory in which the bundle NAME is built. The next run removes what a killed run left there.",
);

const KEY: Entry = ("cosign.key", "A key file for --signing-key, as `cosign generate-key-pair` writes it.");
const PUBLIC_KEY: Entry =
    ("cosign.pub", "The public key for --key, as --public-key-out or `cosign generate-key-pair` writes it.");

const SIGNING: &[Entry] = &[
    ("AICR_SIGNING_KEY", "The signing key, if --signing-key is not given."),
    ("AICR_TLOG_UPLOAD", "true or false, if --tlog-upload is not given."),
    ("COSIGN_PASSWORD", "The password of a key file. It can be empty."),
    ("SIGSTORE_ID_TOKEN", "The identity token for --keyless."),
];

const EVERY_COMMAND: &[Entry] = &[
    ("AICR_COSIGN", "The cosign to use, if --cosign is not given."),
    ("AICR_TIMEOUT", "The time limit for each run of cosign, if --timeout is not given."),
    ("PATH", "Where aicr looks for cosign. Relative directories are ignored."),
    ("TMPDIR", "Where the private files for cosign are."),
    ("NO_COLOR", "If it is not empty, --color auto does not color the output."),
];
