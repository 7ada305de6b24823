//! The commands with which a receiver verifies a bundle, with aicr or without it. The files in `recipes/`
//! hold them, for the bundle `release-1.4` and the key `cosign.pub`. `aicr sheet` prints them with other
//! names, and `make docs` writes them into `docs/verify-without-aicr.md`. Pure.

use camino::Utf8Path;

use crate::printable::quoted_path;

/// The names in the files of `recipes/`: a longer one before one that it begins with.
const SIGNATURE: &str = "release-1.4/attestation/checksums.txt.sigstore.json";
const MANIFEST: &str = "release-1.4/checksums.txt";
const BUNDLE: &str = "release-1.4";
const KEY: &str = "cosign.pub";

/// Commands for one tool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recipe {
    /// The tools.
    pub(crate) title: &'static str,
    shell: Shell,
    text: &'static str,
}

/// What runs the commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shell {
    Posix,
    PowerShell,
}

/// What the tools of a receiver print about the bundle and the key: the fingerprints of the sheet.
pub(crate) const FINGERPRINTS: Recipe = Recipe {
    title: "openssl and sha256sum",
    shell: Shell::Posix,
    text: include_str!("recipes/fingerprints.sh"),
};

/// The signature and the files, with aicr.
pub(crate) const AICR: Recipe =
    Recipe { title: "aicr", shell: Shell::Posix, text: include_str!("recipes/aicr.sh") };

/// The signature alone, newest tool first.
pub(crate) const SIGNATURE_ALONE: [Recipe; 4] = [
    Recipe {
        title: "cosign 3.0.5 and later",
        shell: Shell::Posix,
        text: include_str!("recipes/cosign-3.sh"),
    },
    Recipe {
        title: "cosign 2.4 to 3.1",
        shell: Shell::Posix,
        text: include_str!("recipes/cosign-2.4-to-3.0.3.sh"),
    },
    Recipe {
        title: "cosign 2.0 to 2.3",
        shell: Shell::Posix,
        text: include_str!("recipes/cosign-2.0-to-2.3.sh"),
    },
    Recipe { title: "openssl", shell: Shell::Posix, text: include_str!("recipes/openssl.sh") },
];

/// The files alone.
pub(crate) const FILES: Recipe =
    Recipe { title: "sha256sum", shell: Shell::Posix, text: include_str!("recipes/files.sh") };

/// The files alone, on Windows. No test runs it.
pub(crate) const FILES_ON_WINDOWS: Recipe =
    Recipe { title: "PowerShell", shell: Shell::PowerShell, text: include_str!("recipes/files.ps1") };

impl Recipe {
    /// The block of Markdown with the commands, for the bundle directory `bundle` and the key file `key`.
    pub(crate) fn block(&self, bundle: &str, key: &str) -> String {
        let language = match self.shell {
            Shell::Posix => "sh",
            Shell::PowerShell => "powershell",
        };
        format!("```{language}\n{}```\n", self.commands(bundle, key))
    }

    /// The commands, each name in quotes if the shell needs them.
    fn commands(&self, bundle: &str, key: &str) -> String {
        let word = |path: String| match self.shell {
            Shell::Posix => quoted_path(Utf8Path::new(&path)),
            Shell::PowerShell => quoted_for_powershell(&path),
        };
        let below = |known: &str| word(known.replacen(BUNDLE, bundle, 1));
        let names = [
            (SIGNATURE, below(SIGNATURE)),
            (MANIFEST, below(MANIFEST)),
            (BUNDLE, below(BUNDLE)),
            (KEY, word(key.to_owned())),
        ];
        let mut rest = self.text;
        let mut commands = String::with_capacity(rest.len());
        while let Some(letter) = rest.chars().next() {
            if let Some((known, name)) = names.iter().find(|(known, _)| rest.starts_with(known)) {
                commands.push_str(name);
                rest = &rest[known.len()..];
            } else {
                commands.push(letter);
                rest = &rest[letter.len_utf8()..];
            }
        }
        commands
    }
}

/// One word of a PowerShell command. In single quotes nothing is special but a quote, of which it knows
/// five.
fn quoted_for_powershell(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._/-".contains(letter);
    if word.starts_with(|letter: char| letter.is_ascii_alphabetic()) && word.chars().all(is_plain) {
        return word.to_owned();
    }
    let mut quoted = String::from("'");
    for letter in word.chars() {
        if matches!(letter, '\'' | '\u{2018}'..='\u{201b}') {
            quoted.push(letter);
        }
        quoted.push(letter);
    }
    quoted + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_of_the_shell() {
        for (bundle, key, expected) in [
            ("release-1.4", "cosign.pub", AICR.text),
            ("r", "k", "aicr verify r --key k --insecure-ignore-tlog\n"),
            ("my release", "it's", "aicr verify 'my release' --key \"it's\" --insecure-ignore-tlog\n"),
            ("-r", "$(k)", "aicr verify ./-r --key '$(k)' --insecure-ignore-tlog\n"),
            // A name that is another name in the recipe.
            (
                "cosign.pub",
                "release-1.4",
                "aicr verify cosign.pub --key release-1.4 --insecure-ignore-tlog\n",
            ),
        ] {
            assert_eq!(AICR.commands(bundle, key), expected);
        }
        let openssl = SIGNATURE_ALONE[3].commands("my release", "k");
        assert!(openssl.contains(" 'my release/attestation/checksums.txt.sigstore.json' | "), "{openssl}");
        assert!(
            openssl.ends_with(" -verify k -signature signature.der 'my release/checksums.txt'\n"),
            "{openssl}"
        );
    }

    #[test]
    fn names_are_words_of_powershell() {
        for (bundle, expected) in [
            ("release-1.4", "release-1.4"),
            ("-r", "'-r'"),
            ("@r", "'@r'"),
            ("1.4", "'1.4'"),
            ("it's $r", "'it''s $r'"),
            ("it\u{2019}s", "'it\u{2019}\u{2019}s'"),
        ] {
            let commands = FILES_ON_WINDOWS.commands(bundle, "k");
            let line = format!("$top = (Get-Item -LiteralPath {expected}).FullName\n");
            assert!(commands.starts_with(&line), "{commands}");
        }
    }
}
