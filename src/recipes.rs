//! The commands with which a receiver verifies a bundle, with aicr or without it. The files in `recipes/`
//! hold them, for the bundle `release-1.4` and the key `cosign.pub`. `aicr sheet` prints them with other
//! names, and `make docs` writes them into `docs/verify-without-aicr.md`. Pure.

pub(crate) mod unpack;

use camino::Utf8Path;

use crate::printable::quoted_path;

/// The names in the files of `recipes/`: a longer one before one that it begins with.
const SIGNATURE: &str = "release-1.4/attestation/checksums.txt.sigstore.json";
const MANIFEST: &str = "release-1.4/checksums.txt";
const BUNDLE: &str = "release-1.4";
const KEY: &str = "cosign.pub";
const KEY_FLAG: &str = "--key cosign.pub";

/// The names for the commands about a bundle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    /// The directory.
    pub(crate) bundle: &'a str,
    /// The keys that have signed it, at least one.
    pub(crate) keys: &'a [KeyName<'a>],
}

/// The name of a key file, and where the signature by that key is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyName<'a> {
    /// The file.
    pub(crate) file: &'a str,
    /// The path below the bundle.
    pub(crate) signature: &'a str,
}

/// Commands for one tool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recipe {
    /// The tools.
    pub(crate) title: &'static str,
    shell: Shell,
    /// Whether the commands are about one key.
    one_key: bool,
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
    one_key: true,
    text: include_str!("recipes/fingerprints.sh"),
};

/// The signature and the files, with aicr.
pub(crate) const AICR: Recipe =
    Recipe { title: "aicr", shell: Shell::Posix, one_key: false, text: include_str!("recipes/aicr.sh") };

/// The signature alone, newest tool first.
pub(crate) const SIGNATURE_ALONE: [Recipe; 4] = [
    Recipe {
        title: "cosign 3.0.5 and later",
        shell: Shell::Posix,
        one_key: true,
        text: include_str!("recipes/cosign-3.sh"),
    },
    Recipe {
        title: "cosign 2.4 to 3.1",
        shell: Shell::Posix,
        one_key: true,
        text: include_str!("recipes/cosign-2.4-to-3.0.3.sh"),
    },
    Recipe {
        title: "cosign 2.0 to 2.3",
        shell: Shell::Posix,
        one_key: true,
        text: include_str!("recipes/cosign-2.0-to-2.3.sh"),
    },
    Recipe { title: "openssl", shell: Shell::Posix, one_key: true, text: include_str!("recipes/openssl.sh") },
];

/// The files alone.
pub(crate) const FILES: Recipe = Recipe {
    title: "sha256sum",
    shell: Shell::Posix,
    one_key: false,
    text: include_str!("recipes/files.sh"),
};

/// The files alone, on Windows. No test runs it.
pub(crate) const FILES_ON_WINDOWS: Recipe = Recipe {
    title: "PowerShell",
    shell: Shell::PowerShell,
    one_key: false,
    text: include_str!("recipes/files.ps1"),
};

impl Recipe {
    /// The blocks of Markdown with the commands: one, or one for each key.
    pub(crate) fn blocks(&self, names: Names<'_>) -> String {
        let language = match self.shell {
            Shell::Posix => "sh",
            Shell::PowerShell => "powershell",
        };
        let size = if self.one_key { 1 } else { names.keys.len() };
        let blocks = names.keys.chunks(size.max(1)).map(|keys| {
            let commands = self.commands(Names { keys, ..names });
            format!("```{language}\n{commands}```\n")
        });
        blocks.collect::<Vec<_>>().join("\n")
    }

    /// The commands, each name in quotes if the shell needs them.
    fn commands(&self, Names { bundle, keys }: Names<'_>) -> String {
        let word = |path: String| match self.shell {
            Shell::Posix => quoted_path(Utf8Path::new(&path)),
            Shell::PowerShell => quoted_for_powershell(&path),
        };
        let below = |known: &str| word(known.replacen(BUNDLE, bundle, 1));
        let mut flags: Vec<_> =
            keys.iter().map(|key| format!("--key {}", word(key.file.to_owned()))).collect();
        if keys.len() > 1 {
            flags.push(format!("--require {}", keys.len()));
        }
        let mut names =
            vec![(MANIFEST, below(MANIFEST)), (BUNDLE, below(BUNDLE)), (KEY_FLAG, flags.join(" "))];
        if let [KeyName { file, signature }, ..] = *keys {
            names.insert(0, (SIGNATURE, word(format!("{bundle}/{signature}"))));
            names.push((KEY, word(file.to_owned())));
        }
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

    /// The commands with the first signature of a bundle.
    fn commands(recipe: &Recipe, bundle: &str, file: &str) -> String {
        let signature = "attestation/checksums.txt.sigstore.json";
        recipe.commands(Names { bundle, keys: &[KeyName { file, signature }] })
    }

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
            assert_eq!(commands(&AICR, bundle, key), expected);
        }
        let openssl = commands(&SIGNATURE_ALONE[3], "my release", "k");
        assert!(openssl.contains(" 'my release/attestation/checksums.txt.sigstore.json' | "), "{openssl}");
        assert!(
            openssl.ends_with(" -verify k -signature signature.der 'my release/checksums.txt'\n"),
            "{openssl}"
        );
    }

    #[test]
    fn several_keys() {
        let keys = [("a", "attestation/1"), ("my b", "attestation/2")];
        let keys = keys.map(|(file, signature)| KeyName { file, signature });
        let names = Names { bundle: "r", keys: &keys };
        assert_eq!(
            AICR.blocks(names),
            "```sh\naicr verify r --key a --key 'my b' --require 2 --insecure-ignore-tlog\n```\n"
        );
        assert_eq!(
            SIGNATURE_ALONE[0].blocks(names),
            "```sh\ncosign verify-blob --key=a --insecure-ignore-tlog=true \\\n  \
             --bundle=r/attestation/1 r/checksums.txt\n```\n\n\
             ```sh\ncosign verify-blob --key='my b' --insecure-ignore-tlog=true \\\n  \
             --bundle=r/attestation/2 r/checksums.txt\n```\n"
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
            let commands = commands(&FILES_ON_WINDOWS, bundle, "k");
            let line = format!("$top = (Get-Item -LiteralPath {expected}).FullName\n");
            assert!(commands.starts_with(&line), "{commands}");
        }
    }
}
