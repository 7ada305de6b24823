//! Any flag of cosign can be set by a variable. None that is set around aicr reaches the cosign that
//! it runs, and it says which ones it keeps back.

use std::collections::BTreeSet;

use crate::scene::{KEY_SHA256, Run, SMALL_SHA256, Scene, cosigns};

/// The variables of every flag of the three commands that are run, as this cosign's own help has them.
fn variables_of_flags(scene: &Scene) -> BTreeSet<String> {
    let mut variables = BTreeSet::new();
    for verb in ["sign-blob", "verify-blob", "public-key"] {
        let help = scene.program_run(["cosign", verb, "--help"]).output().stdout;
        let help = String::from_utf8(help).unwrap();
        let words = help.lines().flat_map(|line| line.split_whitespace().take(2));
        let flags = words.filter_map(|word| word.strip_prefix("--")?.split(['=', ':']).next());
        variables.extend(flags.map(|flag| format!("COSIGN_{}", flag.to_uppercase().replace('-', "_"))));
    }
    assert!(variables.len() > 25, "{variables:?}");
    variables
}

/// `run` in surroundings where all of these are set to `value`.
fn with<'a>(run: Run<'a>, variables: &BTreeSet<String>, value: &str) -> Run<'a> {
    variables.iter().fold(run, |run, name| run.env(name, value))
}

fn kept_back(variables: &BTreeSet<String>) -> String {
    let names: Vec<&str> = variables.iter().map(String::as_str).collect();
    format!("warning: not handed to cosign: {}\n", names.join(", "))
}

#[test]
fn all_at_once_have_no_effect() {
    for cosign in cosigns() {
        let scene = Scene::with_cosign(&cosign);
        scene.small_dist().directory("stolen");
        let mut variables = variables_of_flags(&scene);
        for name in [
            "SIGSTORE_ROOT_FILE",
            "SIGSTORE_REKOR_PUBLIC_KEY",
            "TUF_ROOT",
            "TUF_MIRROR",
            "LD_PRELOAD",
            "GODEBUG",
        ] {
            variables.insert(name.into());
        }
        variables.remove("LD_PRELOAD");
        let stolen = scene.path("stolen/file").display().to_string();
        for (number, value) in
            ["true", "false", "", &stolen, "https://127.0.0.1:1", "stranger.key"].into_iter().enumerate()
        {
            let done = |word: &str| {
                format!(
                    "{word} B{number}\n  manifest sha256 {SMALL_SHA256}\n  2 files, 11 bytes\n  key sha256 {KEY_SHA256}, log none, timestamp none\n"
                )
            };
            with(scene.aicr(&format!("bundle dist --output B{number} --signing-key cosign.key --tlog-upload=false --public-key-out k.pub")), &variables, value)
                .stdout(&format!("{}verify it, here or anywhere, with:\n  aicr verify B{number} --key k.pub --insecure-ignore-tlog\n", done("signed")))
                .stderr(&kept_back(&variables))
                .succeeds();
            with(
                scene.aicr(&format!("verify B{number} --key k.pub --insecure-ignore-tlog")),
                &variables,
                value,
            )
            .stdout(&done("accepted"))
            .stderr(&kept_back(&variables))
            .succeeds();
        }
        assert_eq!(scene.tree("stolen"), [""; 0], "{}", cosign.display());
        assert_eq!((scene.tree("home"), scene.tree("tmp")), (Vec::new(), Vec::new()), "{}", cosign.display());
    }
}

#[test]
fn none_makes_a_refusal_an_acceptance() {
    for cosign in cosigns() {
        let scene = Scene::with_cosign(&cosign);
        scene.signed();
        let variables = variables_of_flags(&scene);
        for (value, words, error) in [
            (
                "true",
                "verify B --key cosign.pub",
                "error: B: the signature has no entry of a transparency log
hint: --insecure-ignore-tlog accepts a signature by the key alone, as made with --tlog-upload=false
"
                .to_owned(),
            ),
            (
                "cosign.pub",
                "verify B --key stranger.pub --insecure-ignore-tlog",
                format!(
                    "error: B is signed by the key {KEY_SHA256}, and --key is {}
hint: a rotated key is the usual cause: get the public key of the version that signed
",
                    crate::scene::STRANGER_SHA256
                ),
            ),
        ] {
            with(scene.aicr(words), &variables, value)
                .stdout("rejected B\n")
                .stderr(&(kept_back(&variables) + &error))
                .exits(5);
        }
    }
}

#[test]
fn without_aicr_they_have_one() {
    // So the two scenarios above show something.
    for cosign in cosigns() {
        let scene = Scene::with_cosign(&cosign);
        scene
            .program_run(["cosign", "public-key", "--key", "cosign.key"])
            .env("COSIGN_OUTFILE", "diverted.pub")
            .stderr("Public key written to diverted.pub\n")
            .succeeds();
        assert_eq!(scene.read("diverted.pub"), scene.read("cosign.pub"));
        scene
            .program_run(["cosign", "public-key"])
            .env("COSIGN_KEY", "stranger.key")
            .stdout(&scene.read("stranger.pub"))
            .succeeds();
    }
}
