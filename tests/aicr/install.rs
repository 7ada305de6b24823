//! `make install` and `make uninstall`, with a DESTDIR and a PREFIX.

use crate::docs_generated::commands;
use crate::sandbox::{Sandbox, repository};

#[test]
fn what_is_installed_is_removed_again() {
    let sandbox = Sandbox::new();
    sandbox.file("stage/opt/tools/bin/another", "").file("stage/opt/tools/share/man/man1/another.1", "");
    let make = |target: &str| {
        let binary = format!("BINARY={}", env!("CARGO_BIN_EXE_aicr"));
        let stage = format!("DESTDIR={}", sandbox.path("stage").display());
        let top = repository();
        let words = ["make", "-C", top.to_str().unwrap(), target, &binary, &stage, "PREFIX=/opt/tools"];
        sandbox.program_run(words).whatever_it_prints().succeeds();
    };
    let others = sandbox.tree("stage");
    make("install");
    let pages =
        commands().into_iter().filter(|command| !["help", "completions", "man"].contains(&command.as_str()));
    let mut expected: Vec<String> = pages.map(|command| format!("man/man1/aicr-{command}.1")).collect();
    expected.extend(
        [
            "man/man1/aicr.1",
            "bash-completion/completions/aicr",
            "zsh/site-functions/_aicr",
            "fish/vendor_completions.d/aicr.fish",
        ]
        .map(ToOwned::to_owned),
    );
    for path in expected.iter().map(|path| format!("stage/opt/tools/share/{path}")) {
        assert!(!sandbox.read(&path).is_empty(), "{path}");
    }
    let files =
        |names: Vec<String>| names.into_iter().filter(|name| !name.ends_with('/')).collect::<Vec<_>>();
    let there = files(sandbox.tree("stage"));
    assert_eq!(there.len(), files(others.clone()).len() + expected.len() + 1, "{there:?}");
    let installed = sandbox.path("stage/opt/tools/bin/aicr");
    sandbox.program_run([installed.to_str().unwrap(), "--version"]).whatever_it_prints().succeeds();
    make("uninstall");
    assert_eq!(files(sandbox.tree("stage")), files(others));
}
