//! Inputs of `bundle` that are probably not what the user wants, and how many of a kind there are.

use rustix::fs::FileType;

use crate::sandbox::{Sandbox, UNSIGNED};

const BUILD: &str = "bundle dist --output B --quiet";

/// The shell makes `dist/a dist/sub` of `dist/*`, and `sub` is lost.
#[test]
fn a_directory_next_to_a_file_loses_its_name() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().file("dist/more/c", "").file("other/d", "").file("e", "");
    let lost =
        "warning: directories that lose their names in the bundle (to keep them, give the directory above): ";
    for (inputs, size, warning) in [
        ("dist/a dist/sub", "2 files, 11 bytes", format!("{lost}dist/sub\n")),
        ("dist/a dist/more dist/sub", "3 files, 11 bytes", format!("{lost}dist/more and 1 more\n")),
        ("e other", "2 files, 0 bytes", format!("{lost}other\n")),
        ("dist/sub dist/more", "2 files, 5 bytes", String::new()),
        ("dist/a other", "2 files, 6 bytes", String::new()),
        ("dist/a dist/sub/", "2 files, 11 bytes", String::new()),
        ("dist", "3 files, 11 bytes", String::new()),
    ] {
        sandbox
            .aicr(&format!("bundle {inputs} --output B --no-sign --dry-run"))
            .stdout(&format!("dry run: would write B\n  {size}\n"))
            .stderr(&warning)
            .succeeds();
    }
}

/// Its configuration may hold the token of a pipeline.
#[test]
fn directories_of_git_are_a_warning() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().file("dist/.git/config", "").file("dist/sub/.git/config", "");
    let run = |words: &str, size: &str| {
        let run = sandbox.aicr(&format!("bundle {words} --output B --no-sign --dry-run"));
        run.stdout(&format!("dry run: would write B\n  {size}\n"))
    };
    run("dist", "4 files, 11 bytes")
        .stderr("warning: directories of git, which may hold a token (`--exclude .git` leaves them out): dist/.git and 1 more\n")
        .succeeds();
    run("dist --exclude .git", "2 files, 11 bytes").succeeds();
    // A submodule has a file of that name, which holds only a path.
    sandbox.file("module/.git", "gitdir: ../.git/modules/module\n");
    run("module", "1 file, 31 bytes").succeeds();
}

#[test]
fn a_bundle_as_an_input() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    sandbox.aicr("bundle dist --output U --quiet").stderr(UNSIGNED).succeeds();
    for bundle in ["B", "U"] {
        sandbox
            .aicr(&format!("bundle {bundle} --output C"))
            .stderr(&format!(
                "error: input {bundle} is a bundle already
hint: sign it with `aicr bundle-sign {bundle}`, or bundle only its files: `--exclude /checksums.txt --exclude /attestation`
"
            ))
            .exits(2);
        let without = "--exclude /checksums.txt --exclude /attestation";
        sandbox
            .aicr(&format!("bundle {bundle} --output C{bundle} -q {without}"))
            .whatever_it_prints()
            .succeeds();
    }
    // A directory below an input is payload, whatever it is.
    sandbox.directory("both").program_run(["cp", "-r", "B", "both/B"]).succeeds();
    sandbox.aicr("bundle both --output D --quiet").stderr(UNSIGNED).succeeds();
    // With a file that is not listed, it is not a bundle.
    sandbox
        .file("U/new", "")
        .aicr("bundle U --output C")
        .stderr(
            "error: U/checksums.txt has a name that is reserved in a bundle
hint: leave it out with `--exclude /checksums.txt`, or rename it
",
        )
        .exits(2);
}

#[test]
fn links_and_other_special_files_are_counted() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().link("dist/l", "a").link("dist/sub/l", "b").link("dist/x", "a");
    sandbox.special("dist/fifo", FileType::Fifo).special("dist/zfifo", FileType::Fifo);
    sandbox
        .aicr("bundle dist --output B")
        .stderr("error: dist/fifo is a FIFO, not a regular file (2 in all)\nhint: leave it out with `--exclude /fifo`\n")
        .exits(2);
    let run = |words: &str| sandbox.aicr(&format!("bundle dist --output B --exclude *fifo {words}"));
    let hint = "hint: leave it out with `--exclude /l`, or take in what it points to with `--links follow`\n";
    run("")
        .stderr(&format!("error: dist/l is a symbolic link, and links are not followed (3 in all)\n{hint}"))
        .exits(2);
    // What is left out does not count.
    run("--exclude x --exclude /sub/l")
        .stderr(&format!("error: dist/l is a symbolic link, and links are not followed\n{hint}"))
        .exits(2);
    run("--exclude x --exclude l --quiet").stderr(UNSIGNED).succeeds();
}

/// A key is found in other files too, and all files with keys are counted.
#[test]
fn private_keys_in_other_files_are_counted() {
    let sandbox = Sandbox::new();
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC";
    let key = |line_break: &str| format!("-----BEGIN {}-----{line_break}{body}", "PRIVATE KEY");
    sandbox
        .small_dist()
        .file("dist/account.json", format!("{{\"private_key\": \"{}\"}}", key("\\n")))
        .file("dist/sub/values.yaml", format!("tls:\n  key: |\n    {}\n", key("\n    ")));
    let (json, yaml) = ("--exclude /account.json", "--exclude /sub/values.yaml");
    sandbox
        .aicr("bundle dist --output B")
        .stderr(&format!(
            "error: dist/account.json contains a private key (2 files do)
hint: leave them out with `{json} {yaml}`, or allow them with `--allow-private-keys`
"
        ))
        .exits(2);
    sandbox
        .aicr("bundle dist --in-place")
        .stderr(
            "error: dist/account.json contains a private key (2 files do)
hint: move them away, or allow them with `--allow-private-keys`
",
        )
        .exits(2);
    sandbox
        .aicr(&format!("bundle dist --output B {json}"))
        .stderr(&format!(
            "error: dist/sub/values.yaml contains a private key
hint: leave it out with `{yaml}`, or allow it with `--allow-private-keys`
"
        ))
        .exits(2);
    sandbox.aicr(&format!("{BUILD} {json} {yaml}")).stderr(UNSIGNED).succeeds();
}

/// Only root can give them.
#[test]
fn file_capabilities_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    if !sandbox.give_capabilities("dist/a") {
        return;
    }
    let error = "error: dist/a has file capabilities, which a bundle cannot keep";
    sandbox
        .aicr(BUILD)
        .stderr(&format!(
            "{error}\nhint: leave it out with `--exclude /a`, or remove them with `setcap -r dist/a`\n"
        ))
        .exits(2);
    sandbox
        .aicr("bundle dist --in-place")
        .stderr(&format!("{error}\nhint: remove them with `setcap -r dist/a`\n"))
        .exits(2);
    sandbox.aicr(&format!("{BUILD} --exclude /a")).stderr(UNSIGNED).succeeds();
}
