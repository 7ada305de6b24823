//! What cosign's words mean: the words of a hint, and the choice between "cannot do it", "did not
//! sign" and "nothing was reached". Never a verdict: that is its exit status and what it wrote. Pure.

use crate::error::Class;

/// What a failed `sign-blob` or `public-key` comes down to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Diagnosis {
    /// `NoCosign`, `NotSigned` or `Unproven`.
    pub(crate) class: Class,
    /// The end of a sentence that begins with the key.
    pub(crate) reason: &'static str,
    /// The way out, where one is known.
    pub(crate) hint: Option<&'static str>,
}

/// A rule: all of these words, in lower case, anywhere in the text.
struct Rule(&'static [&'static str], Diagnosis);

const fn rule(
    words: &'static [&'static str],
    class: Class,
    reason: &'static str,
    hint: &'static str,
) -> Rule {
    Rule(words, Diagnosis { class, reason, hint: Some(hint) })
}

/// The first that fits wins, so the more telling come first.
const RULES: [Rule; 14] = [
    rule(
        &["unrecognized scheme"],
        Class::NoCosign,
        "has no provider in this build of cosign",
        "the upstream release of cosign has every provider but openbao, which 3.1 added; a distribution's build may have awskms only",
    ),
    rule(
        &["opening pkcs11 token key: unimplemented"],
        Class::NoCosign,
        "is in a PKCS#11 token, for which this build of cosign has no support",
        "use a cosign built with cgo and the pkcs11key tag, or a KMS plugin for the token",
    ),
    rule(
        &["unexpected kdf parameters"],
        Class::NoCosign,
        "was made by a newer cosign than this one can read",
        "use cosign 2.2 or later, or make the key with this one",
    ),
    rule(
        &["inappropriate ioctl for device"],
        Class::NotSigned,
        "needs a password",
        "set COSIGN_PASSWORD; set but empty is a password too",
    ),
    rule(
        &["decryption failed"],
        Class::NotSigned,
        "was not opened: the password is wrong",
        "check COSIGN_PASSWORD; a newline at its end counts",
    ),
    rule(
        &["unsupported pem type"],
        Class::NotSigned,
        "is not a key file of cosign's",
        "`cosign import-key-pair --key FILE` converts one",
    ),
    rule(
        &["certificate signed by unknown authority"],
        Class::Unproven,
        "could not be reached: its server's certificate is signed by an authority that is not trusted here",
        "set SSL_CERT_FILE (for hashivault, VAULT_CACERT) to the certificate of the site's authority",
    ),
    rule(
        &["failed to verify certificate"],
        Class::Unproven,
        "could not be reached: its server's certificate does not verify",
        "check the server's name and certificate, and this machine's clock",
    ),
    rule(
        &["connection refused"],
        Class::Unproven,
        "could not be reached: connection refused",
        "is the key manager running, and is its address right?",
    ),
    rule(
        &["no such host"],
        Class::Unproven,
        "could not be reached: its host name is not known here",
        "check the address of the key manager",
    ),
    rule(
        &["network is unreachable"],
        Class::Unproven,
        "could not be reached: there is no network to it from here",
        "check the route to the key manager",
    ),
    rule(
        &["deadline exceeded"],
        Class::Unproven,
        "could not be reached in time",
        "is the key manager running, and is its address right?",
    ),
    rule(
        &["tls handshake timeout"],
        Class::Unproven,
        "could not be reached in time",
        "is the key manager running, and is its address right?",
    ),
    rule(
        &["i/o timeout"],
        Class::Unproven,
        "could not be reached in time",
        "is the key manager running, and is its address right?",
    ),
];

/// What `text`, the stderr of a run that failed with a key, comes down to. Text that no rule knows
/// is a refusal.
pub(crate) fn of_key_failure(text: &[u8]) -> Diagnosis {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    RULES.into_iter().find(|Rule(words, _)| words.iter().all(|word| text.contains(word))).map_or(
        Diagnosis { class: Class::NotSigned, reason: "was refused by cosign", hint: None },
        |Rule(_, diagnosis)| diagnosis,
    )
}

/// What cosign printed, fit to be shown: from its error on (before that it talks of other things),
/// each line once (it prints its error twice), cut where it goes on too long, control characters
/// visible.
pub(crate) fn shown(text: &[u8]) -> String {
    const ERROR: &[u8] = b"Error: ";
    const LINES: usize = 20;
    const WIDTH: usize = 1000;
    let start = text.windows(ERROR.len()).position(|window| window == ERROR).map_or(0, |at| at + ERROR.len());
    let mut lines: Vec<String> = Vec::new();
    for line in text[start..].split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end) {
        // Tabs are harmless, and a Go trace is full of them.
        let line = crate::printable::show(&line[..line.len().min(WIDTH)]).replace(r"\u{9}", "    ");
        // The second printing of an error has a prefix; the first stands whole at its end.
        if line.is_empty() || lines.iter().any(|seen| line.ends_with(seen.as_str())) {
            continue;
        }
        if lines.len() == LINES {
            lines.push("…".into());
            break;
        }
        lines.push(line);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_shown_once() {
        let text = b"Error: decrypt: x\nmain.go:74: error during command execution: decrypt: x\n";
        assert_eq!(shown(text), "decrypt: x");
    }

    #[test]
    fn an_error_of_several_lines_is_shown_once() {
        let text = b"Error: call: a\n* b\n\nerror during command execution: call: a\n* b\n";
        assert_eq!(shown(text), "call: a\n* b");
    }

    #[test]
    fn what_comes_before_the_error_is_left_out() {
        let text = b"Using payload from: x\nEnter password for private key: Error: y\n";
        assert_eq!(shown(text), "y");
        assert_eq!(shown(b"Killed\n"), "Killed");
    }

    #[test]
    fn what_a_terminal_would_obey_is_made_visible() {
        assert_eq!(shown(b"\x1b[2Jgone\r\n\xff"), "\\u{1b}[2Jgone\n\\xff");
        assert_eq!(shown(b"\tgone"), "    gone");
    }

    #[test]
    fn endless_text_is_cut() {
        let text: Vec<u8> = (0..100).flat_map(|n| format!("line {n}:\n").into_bytes()).collect();
        let shown = shown(&text);
        assert_eq!(shown.lines().count(), 21);
        assert!(shown.ends_with("\n…"));
        assert!(super::shown(&vec![b'a'; 1 << 20]).len() <= 1000);
    }

    #[test]
    fn unknown_text_is_a_refusal() {
        for text in ["", "Error: something new", "\u{0}"] {
            let diagnosis = of_key_failure(text.as_bytes());
            assert_eq!((diagnosis.class, diagnosis.hint), (Class::NotSigned, None));
        }
    }

    /// Every sample of every release, held against the one diagnosis that is right for its case.
    #[test]
    fn recorded_failures_are_told_apart() {
        use Class::{NoCosign, NotSigned, Unproven};
        let mut seen = 0;
        for release in ["v2.0.2", "v2.2.4", "v2.4.1", "v2.6.1", "v3.0.2", "v3.1.3"] {
            let directory = format!("{}/fixtures/cosign/{release}", env!("CARGO_MANIFEST_DIR"));
            let cases = std::fs::read_to_string(format!("{directory}/cases.tsv")).unwrap();
            for line in cases.lines() {
                let mut fields = line.split('\t');
                let (case, exit) = (fields.next().unwrap(), fields.next().unwrap());
                if exit != "1" || !(case.starts_with("sign-") || case.starts_with("public-key-")) {
                    continue;
                }
                let said = std::fs::read(format!("{directory}/said/{case}.stderr")).unwrap();
                let found = of_key_failure(&said);
                let (class, reason) = match case.split_once('-').unwrap().1.trim_start_matches("key-") {
                    "plugin-missing" => (NoCosign, "has no provider in this build of cosign"),
                    "openbao-down" if release != "v3.1.3" => {
                        (NoCosign, "has no provider in this build of cosign")
                    }
                    "pkcs11" => {
                        (NoCosign, "is in a PKCS#11 token, for which this build of cosign has no support")
                    }
                    "of-newer-cosign" => (NoCosign, "was made by a newer cosign than this one can read"),
                    "no-password" => (NotSigned, "needs a password"),
                    "wrong-password" => (NotSigned, "was not opened: the password is wrong"),
                    "throwaway-pub" | "plain-ec-key" | "plain-pkcs8-key" => {
                        (NotSigned, "is not a key file of cosign's")
                    }
                    "awskms-down"
                    | "hashivault-down"
                    | "openbao-down"
                    | "log-down"
                    | "timestamp-authority-down" => (Unproven, "could not be reached: connection refused"),
                    // Without a network there is no way to a name server either.
                    "azurekms-no-credentials" | "k8s-no-cluster" | "naive" => continue,
                    _ => (NotSigned, "was refused by cosign"),
                };
                assert_eq!((found.class, found.reason), (class, reason), "{release} {case}");
                seen += 1;
            }
        }
        assert!(seen > 100, "{seen} samples");
    }
}
