//! The manual pages: `man` renders them without a warning, each has all sections, and `make
//! install` installs them.

use super::help::{COMMANDS, flags, printed};
use crate::sandbox::{Sandbox, repository};

/// The pages, by the command that prints each.
const PAGES: [(&str, &str); 8] = [
    ("aicr", "man"),
    ("aicr-bundle", "man bundle"),
    ("aicr-bundle-sign", "man bundle-sign"),
    ("aicr-pack", "man pack"),
    ("aicr-verify", "man verify"),
    ("aicr-inspect", "man inspect"),
    ("aicr-sheet", "man sheet"),
    ("aicr-doctor", "man doctor"),
];

/// The page as `man` shows it, and what it complains about.
fn rendered(sandbox: &Sandbox, page: &str) -> (String, String) {
    sandbox.file("page.1", page);
    let run = sandbox
        .program_run(["man", "--warnings", "--encoding=ascii", "--no-hyphenation", "-l", "page.1"])
        .env("MANWIDTH", "100")
        .env("MAN_KEEP_FORMATTING", "")
        .whatever_it_prints()
        .succeeds();
    (String::from_utf8(run.stdout).unwrap(), String::from_utf8(run.stderr).unwrap())
}

/// The lines of a section, without their indentation.
fn section(page: &str, title: &str) -> Vec<String> {
    let lines = page.lines().skip_while(|line| *line != title).skip(1);
    lines
        .take_while(|line| line.is_empty() || line.starts_with(' '))
        .map(|line| line.trim().to_owned())
        .collect()
}

#[test]
fn every_page_has_every_section() {
    let sandbox = Sandbox::new();
    for (name, words) in PAGES {
        let (page, warnings) = rendered(&sandbox, &printed(&sandbox, words));
        assert_eq!(warnings, "", "{name}");
        let titles: Vec<&str> =
            page.lines().filter(|line| !line.is_empty() && !line.starts_with(' ')).collect();
        let (first, last) = (titles[0], titles[titles.len() - 1]);
        assert!(first.starts_with(&format!("{}(1)", name.to_uppercase())), "{first}");
        assert!(last.starts_with("aicr "), "{last}");
        let titles: Vec<&str> = titles[1..titles.len() - 1]
            .iter()
            .copied()
            .filter(|title| {
                !["SIGNING", "RELEASE", "RELEASES OF OTHERS", "TRUST", "COMMANDS"].contains(title)
            })
            .collect();
        assert_eq!(
            titles,
            [
                "NAME",
                "SYNOPSIS",
                "DESCRIPTION",
                "OPTIONS",
                "GLOBAL OPTIONS",
                "EXAMPLES",
                "ENVIRONMENT",
                "FILES",
                "EXIT STATUS",
                "SEE ALSO"
            ],
            "{name}"
        );
        for title in titles {
            assert!(section(&page, title).iter().any(|line| !line.is_empty()), "{name}: {title} is empty");
        }
    }
}

#[test]
fn every_page_says_what_the_help_says() {
    let sandbox = Sandbox::new();
    for (name, words) in PAGES {
        let command = words.strip_prefix("man").unwrap().trim();
        let help = printed(&sandbox, &format!("{command} --help"));
        let (page, _) = rendered(&sandbox, &printed(&sandbox, words));
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let page_words = words(&page);
        for flag in flags(&help) {
            assert!(page_words.contains(&flag), "{name}: {flag}");
        }
        let usage: Vec<String> = help
            .lines()
            .skip_while(|line| !line.starts_with("Usage: "))
            .take_while(|line| !line.is_empty())
            .map(|line| line.trim_start_matches("Usage: ").trim().to_owned())
            .collect();
        assert_eq!(section(&page, "SYNOPSIS")[..usage.len()], usage, "{name}");
        let (_, examples) = help.split_once("\nExamples:\n").unwrap();
        let examples: Vec<&str> = examples.lines().map(str::trim).collect();
        let mut shown = section(&page, "EXAMPLES");
        shown.retain(|line| !line.is_empty());
        assert_eq!(shown, examples, "{name}");
        for other in PAGES.map(|(other, _)| other).into_iter().filter(|other| *other != name) {
            assert!(section(&page, "SEE ALSO").join(" ").contains(&format!("{other}(1)")), "{name}: {other}");
        }
    }
}

#[test]
fn the_main_page_lists_the_commands() {
    let sandbox = Sandbox::new();
    let (page, _) = rendered(&sandbox, &printed(&sandbox, "man"));
    let mut listed = section(&page, "COMMANDS");
    listed.retain(|line| line.starts_with("aicr "));
    // The first one is `aicr` itself.
    let commands: Vec<_> = COMMANDS[1..].iter().map(|command| format!("aicr {command}")).collect();
    assert_eq!(listed, commands);
}

#[test]
fn make_install_installs_every_page() {
    let sandbox = Sandbox::new();
    let binary = format!("BINARY={}", env!("CARGO_BIN_EXE_aicr"));
    let destination = format!("DESTDIR={}", sandbox.path("root").display());
    let top = repository();
    let words = ["make", "-s", "-C", top.to_str().unwrap(), "install", &binary, &destination, "PREFIX=/usr"];
    sandbox.program_run(words).succeeds();
    let mut installed = sandbox.tree("root/usr");
    installed.retain(|path| !path.ends_with('/'));
    assert_eq!(
        installed,
        [
            "bin/aicr",
            "share/bash-completion/completions/aicr",
            "share/fish/vendor_completions.d/aicr.fish",
            "share/man/man1/aicr-bundle-sign.1",
            "share/man/man1/aicr-bundle.1",
            "share/man/man1/aicr-doctor.1",
            "share/man/man1/aicr-inspect.1",
            "share/man/man1/aicr-pack.1",
            "share/man/man1/aicr-sheet.1",
            "share/man/man1/aicr-verify.1",
            "share/man/man1/aicr.1",
            "share/zsh/site-functions/_aicr",
        ]
    );
    for (name, words) in PAGES {
        let page = sandbox.read(&format!("root/usr/share/man/man1/{name}.1"));
        assert_eq!(page, printed(&sandbox, words), "{name}");
    }
}
