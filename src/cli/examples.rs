//! The examples at the end of each `--help` and in each manual page. Tests run every line.

use std::fmt::Write as _;

/// What somebody wants to do, and the line for a shell that does it.
pub(crate) struct Example {
    pub(crate) purpose: &'static str,
    /// Lines of at most 76 characters, so that the help fits 80 columns.
    pub(crate) line: &'static str,
}

impl Example {
    /// The end of a help text.
    pub(crate) fn help(examples: &[Self]) -> String {
        let mut text = String::from("Examples:");
        for Self { purpose, line } in examples {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n  {purpose}:\n    {}", line.replace('\n', "\n    "));
        }
        text
    }
}

pub(crate) const AICR: &[Example] = &[
    Example {
        purpose: "Build a bundle, and sign it with a key manager and without a log",
        line: "aicr bundle dist/ --output release-1.4 \\\n  --signing-key awskms:///alias/release --tlog-upload=false",
    },
    Example {
        purpose: "Verify it on any machine, without a network",
        line: "aicr verify release-1.4 --key cosign.pub --insecure-ignore-tlog",
    },
    Example {
        purpose: "Check cosign and the key before a release",
        line: "aicr doctor --signing-key awskms:///alias/release --tlog-upload=false",
    },
];

pub(crate) const BUNDLE: &[Example] = &[
    Example {
        purpose: "Build a bundle, and sign it with a key in Google Cloud KMS, without a log",
        line: "aicr bundle dist/ --output release-1.4 \\\n  --signing-key gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k \\\n  --tlog-upload=false --public-key-out cosign.pub",
    },
    Example {
        purpose: "Print the cosign command that would sign, and write nothing",
        line: "aicr bundle dist/ --output release-1.4 \\\n  --signing-key cosign.key --tlog-upload=false --dry-run",
    },
    Example {
        purpose: "Build an unsigned bundle, which `aicr bundle-sign` can sign later",
        line: "aicr bundle dist/ --output release-1.4 --exclude '*.tmp' --no-sign",
    },
    Example {
        purpose: "Sign a directory where it is, without copying it",
        line: "aicr bundle dist/ --in-place \\\n  --signing-key cosign.key --tlog-upload=false",
    },
];

pub(crate) const BUNDLE_SIGN: &[Example] = &[
    Example {
        purpose: "Sign a bundle with a key file, without a log",
        line: "aicr bundle-sign release-1.4 \\\n  --signing-key cosign.key --tlog-upload=false",
    },
    Example {
        purpose: "Sign two bundles with a key in Vault, without a log",
        line: "aicr bundle-sign release-1.4 release-1.5 \\\n  --signing-key hashivault://release --tlog-upload=false",
    },
    Example {
        purpose: "Sign with an OIDC identity, and record that in the public log",
        line: "aicr bundle-sign release-1.4 --keyless --identity-token token.jwt",
    },
];

pub(crate) const PACK: &[Example] = &[
    Example {
        purpose: "Pack a bundle into one file",
        line: "aicr pack release-1.4 --output release-1.4.tar",
    },
    Example {
        purpose: "Pack it into volumes for FAT, which has no files of 4 GiB",
        line: "aicr pack release-1.4 --output release-1.4.tar --volume-size 4GB",
    },
];

pub(crate) const VERIFY: &[Example] = &[
    Example {
        purpose: "Verify a bundle that was signed by a key, without a log",
        line: "aicr verify release-1.4 --key cosign.pub --insecure-ignore-tlog",
    },
    Example {
        purpose: "Copy exactly what was verified from a medium, and write a receipt",
        line: "aicr verify medium/release-1.4 --key cosign.pub --insecure-ignore-tlog \\\n  --at-least 1.4 --copy-to incoming --receipt receipt.json",
    },
    Example {
        purpose: "Verify an archive without unpacking it",
        line: "aicr verify release-1.4.tar --key cosign.pub --insecure-ignore-tlog",
    },
    Example {
        purpose: "Verify two bundles, and print the result as JSON",
        line: "aicr verify release-1.4 release-1.5 \\\n  --key cosign.pub --insecure-ignore-tlog --format json",
    },
    Example {
        purpose: "Verify a keyless signature, without a network",
        line: "aicr verify release-1.4 --trusted-root trusted_root.json \\\n  --certificate-identity release@example.com \\\n  --certificate-oidc-issuer https://accounts.example.com",
    },
    Example {
        purpose: "Verify a release that aicr did not build, of which some files are here",
        line: "aicr verify widget-1.2 --manifest SHA256SUMS --allow-missing \\\n  --key widget.pub --insecure-ignore-tlog",
    },
    Example {
        purpose: "Verify the second of eight parts of a large bundle, in one of eight jobs",
        line: "aicr verify release-1.4 --key cosign.pub --insecure-ignore-tlog --shard 2/8",
    },
    Example {
        purpose: "Compare the files with the manifest, and ignore the signature",
        line: "aicr verify release-1.4 --checksums-only",
    },
];

pub(crate) const INSPECT: &[Example] = &[
    Example {
        purpose: "Describe two bundles: signer, files, log entry",
        line: "aicr inspect release-1.4 release-1.5",
    },
    Example { purpose: "Print the same as JSON", line: "aicr inspect release-1.4 --format json" },
];

pub(crate) const SHEET: &[Example] = &[
    Example {
        purpose: "Write the sheet of a bundle, to print it or to send it",
        line: "aicr sheet release-1.4 --key cosign.pub --output release-1.4.md",
    },
    Example { purpose: "Print it to stdout", line: "aicr sheet release-1.4 --key cosign.pub" },
];

pub(crate) const DOCTOR: &[Example] = &[
    Example { purpose: "Show which cosign aicr uses, and how", line: "aicr doctor" },
    Example { purpose: "Check a key file", line: "aicr doctor --signing-key cosign.key --tlog-upload=false" },
    Example {
        purpose: "Check a key in AWS KMS: the provider, the variables and the public key",
        line: "aicr doctor --signing-key awskms:///alias/release --tlog-upload=false",
    },
];

pub(crate) const HELP: &[Example] = &[
    Example { purpose: "List the commands", line: "aicr help" },
    Example { purpose: "List the flags of a command", line: "aicr help verify" },
];

pub(crate) const COMPLETIONS: &[Example] = &[
    Example { purpose: "Complete in this bash", line: "source <(aicr completions bash)" },
    Example {
        purpose: "Install the completions for zsh, if ~/.zfunc is in its fpath",
        line: "aicr completions zsh >~/.zfunc/_aicr",
    },
    Example {
        purpose: "Install the completions for fish",
        line: "aicr completions fish >~/.config/fish/completions/aicr.fish",
    },
];

pub(crate) const MAN: &[Example] = &[
    Example { purpose: "Read the page of a command", line: "aicr man verify | man -l -" },
    Example { purpose: "Write the main page to a file", line: "aicr man >aicr.1" },
];
