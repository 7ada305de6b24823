//! Commands and flags that people know from cosign, sha256sum or other tools, and those of aicr
//! that do the same. No answer names a flag that publishes something or uses the network: whoever
//! wants one finds it in the help.

use super::usage_error::example;

const SIGNING: &[&str] = &["bundle", "bundle-sign", "doctor"];
const WRITING: &[&str] = &["bundle", "bundle-sign"];
const BUNDLE: &[&str] = &["bundle"];
const PACK: &[&str] = &["pack"];
const VERIFY: &[&str] = &["verify"];
const TRUSTING: &[&str] = &["verify", "sheet"];
const EVERY: &[&str] = &["bundle", "bundle-sign", "pack", "verify", "inspect", "sheet", "doctor"];

/// Flags that are not ours, the commands for which the answer is good, and the answer.
pub(super) const FLAGS: &[(&[&str], &[&str], &str)] = &[
    (&["--key", "-k", "--private-key", "--sk", "--sign", "--kms"], SIGNING, "use --signing-key"),
    (
        &[
            "--no-tlog-upload",
            "--no-tlog",
            "--no-upload",
            "--no-rekor",
            "--insecure-ignore-tlog",
            "--offline",
        ],
        SIGNING,
        "use --tlog-upload=false",
    ),
    (&["--yes", "-y"], SIGNING, "leave it out: aicr asks no questions"),
    (&["--no-sign", "--unsigned"], &["bundle-sign", "doctor"], "use `aicr bundle` for an unsigned bundle"),
    (&["--unsigned"], BUNDLE, "use --no-sign"),
    (&["--destination", "--dest", "--target", "-d", "-C"], BUNDLE, "use --output"),
    (&["--ignore", "-x"], BUNDLE, "use --exclude"),
    (&["-L", "--follow", "--dereference", "--follow-links"], BUNDLE, "use --links follow"),
    (&["-f", "--overwrite", "--replace"], WRITING, "use --force"),
    (&["-f", "--file", "--archive"], PACK, "use --output"),
    (&["--size", "--split", "--volume", "--bytes", "-b"], PACK, "use --volume-size"),
    (&["--overwrite", "--replace"], PACK, "use --force"),
    (&["-z", "--gzip", "--zstd", "--compress"], PACK, "leave it out: compress the archive yourself"),
    (&["-n", "--check", "--plan"], WRITING, "use --dry-run"),
    (
        &["--pubkey", "--public-key", "--pub", "-k", "--keyring", "--signing-key", "--public-key-out"],
        TRUSTING,
        "use --key",
    ),
    (
        &["--tlog-upload", "--no-tlog", "--ignore-tlog", "--skip-tlog", "--insecure-skip-tlog"],
        VERIFY,
        "use --insecure-ignore-tlog to accept a signature without a log entry",
    ),
    (&["--offline"], VERIFY, "leave it out: verify is offline"),
    (&["--rekor-url", "--signing-config"], VERIFY, "use --trusted-root to check the log entry"),
    (&["--timestamp-server-url"], VERIFY, "use --require-timestamp and --trusted-root"),
    (
        &["--keyless", "--identity", "--oidc-issuer", "--issuer", "--san"],
        VERIFY,
        "use --certificate-identity and --certificate-oidc-issuer",
    ),
    (&["--bundle"], VERIFY, "give the bundle directory without a flag"),
    (&["-c", "--check", "--checksum", "--checksums"], VERIFY, "use --checksums-only"),
    (&["--json"], EVERY, "use --format json"),
    (&["--no-color", "--no-colour"], EVERY, "use --color never"),
    (&["--debug", "--trace"], EVERY, "use --verbose"),
    (&["--silent", "-s"], EVERY, "use --quiet"),
    (&["-j", "--parallel", "--threads"], EVERY, "use --jobs"),
];

/// Commands that are not ours, and the one of ours.
const COMMANDS: &[(&[&str], &str)] = &[
    (&["sign", "sign-blob", "attest", "attest-blob"], "bundle-sign"),
    (&["check", "verify-blob", "verify-attestation", "validate", "sha256sum"], "verify"),
    (&["build", "create", "make", "new", "init"], "bundle"),
    (&["show", "info", "describe", "list", "ls", "tree"], "inspect"),
    (&["tar", "archive", "split", "export"], "pack"),
    (&["page", "handout", "instructions"], "sheet"),
    (&["completion"], "completions"),
];

/// The line to run in place of an unknown command, or what to do. `operand` is the path behind it.
pub(super) fn instead_of(command: &str, operand: Option<&str>) -> Option<String> {
    match command {
        "version" => return Some("aicr --version".to_owned()),
        "generate-key-pair" | "import-key-pair" | "public-key" => return Some(format!("cosign {command}")),
        _ => {}
    }
    let (_, ours) = COMMANDS.iter().find(|(names, _)| names.contains(&command))?;
    example(ours, operand)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    /// The flags of a command with their dashes, the global ones too.
    fn flags(command: &str) -> Vec<String> {
        let mut cli = Cli::command();
        cli.build();
        let command = cli.find_subcommand(command).unwrap();
        let long = command.get_arguments().filter_map(|flag| Some(format!("--{}", flag.get_long()?)));
        let short = command.get_arguments().filter_map(|flag| Some(format!("-{}", flag.get_short()?)));
        long.chain(short).collect()
    }

    #[test]
    fn answers_name_flags_that_exist_for_flags_that_do_not() {
        for (names, commands, answer) in FLAGS {
            for command in *commands {
                let known = flags(command);
                for name in *names {
                    assert!(!known.contains(&(*name).to_owned()), "{command} has {name}");
                }
                for flag in answer.split_whitespace().filter(|word| word.starts_with("--")) {
                    let flag = flag.trim_end_matches("=false").to_owned();
                    assert!(known.contains(&flag), "{command} has no {flag}");
                }
            }
        }
    }

    #[test]
    fn no_answer_publishes_or_uses_the_network() {
        let lines = COMMANDS.iter().filter_map(|(_, ours)| example(ours, None));
        for answer in lines.chain(FLAGS.iter().map(|(.., answer)| (*answer).to_owned())) {
            assert!(!answer.contains("--keyless") && !answer.contains("--online"), "{answer}");
            assert_eq!(answer.contains("--tlog-upload"), answer.contains("--tlog-upload=false"), "{answer}");
            let signs = answer.contains("--signing-key ");
            assert!(!signs || answer.contains("--tlog-upload=false"), "{answer}");
        }
    }

    #[test]
    fn no_command_of_ours_is_answered() {
        for name in Cli::command().get_subcommands().map(clap::Command::get_name) {
            assert_eq!(instead_of(name, None), None);
        }
    }
}
