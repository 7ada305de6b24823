//! Completion scripts, in the real shells: the tab key is pressed at the end of a line.

use super::help::{COMMANDS, flags, printed};
use crate::sandbox::{Run, Sandbox};

/// Starts a shell on a terminal, types each line and a tab, and prints what the line is then. Both
/// shells print their line when Control-X is pressed.
const TYPIST: &str = r#"
zmodload zsh/zpty
shell=$1 setup=$2; shift 2
zpty shell $=shell
zpty -w shell "stty -echo"
zpty -w shell "$setup; echo READY-\$((6*7))"
zpty -r -m shell seen '*READY-42*'
for line; do
  zpty -w -n shell "$line"$'\t\x18'
  zpty -r -m shell seen '*<<*>>*'
  print -r -- "${${seen##*<<}%%>>*}|"
done
zpty -d shell
"#;

/// The settings of bash: one tab inserts what is certain, and lists nothing.
const BASH: &str = r#"
source aicr.bash
PS1= PS2=
show() { printf '<<%s>>\n' "$READLINE_LINE"; READLINE_LINE= READLINE_POINT=0; }
bind -x '"\C-x": show'
bind 'set bell-style none'
bind 'set enable-bracketed-paste off'
"#;

/// The same for zsh.
const ZSH: &str = r#"
PS1= PS2= RPS1=
autoload -U compinit && compinit -u -D
source ./aicr.zsh
show() { print -r -- "<<$BUFFER>>"; BUFFER= }
zle -N show
bindkey '^X' show
bindkey '^I' complete-word
setopt no_beep no_always_last_prompt
unsetopt auto_menu auto_list list_ambiguous
"#;

/// A directory with the scripts, and paths to complete.
fn prepared() -> Sandbox {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish"] {
        sandbox.file(&format!("aicr.{shell}"), printed(&sandbox, &format!("completions {shell}")));
    }
    sandbox.directory("release-1.4").file("root.json", "{}").file("release.txt", "");
    sandbox.file("typist.zsh", TYPIST).file("setup.bash", BASH).file("setup.zsh", ZSH);
    sandbox
}

/// What a line is after a tab. A line that a shell leaves as it is has no certain completion.
fn typed<'a>(sandbox: &'a Sandbox, shell: &str, setup: &str, lines: &[(&str, &str)]) -> Run<'a> {
    let words = ["zsh", "-f", "typist.zsh", shell, setup];
    let expected: Vec<String> = lines.iter().map(|(_, line)| format!("{line}|\n")).collect();
    sandbox
        .program_run(words.into_iter().chain(lines.iter().map(|(typed, _)| *typed)))
        .env("TERM", "xterm")
        .stdout(&expected.concat())
}

/// What bash and zsh have in common: the typed line, and the line after a tab.
const LINES: &[(&str, &str)] = &[
    ("aicr ver", "aicr verify "),
    ("aicr help do", "aicr help doctor "),
    ("aicr man bundle-", "aicr man bundle-sign "),
    ("aicr completions z", "aicr completions zsh "),
    ("aicr verify --chec", "aicr verify --checksums-only "),
    ("aicr verify rel", "aicr verify release"),
    ("aicr verify release-1.4 --chec", "aicr verify release-1.4 --checksums-only "),
    ("aicr verify -q release-1.4 --insec", "aicr verify -q release-1.4 --insecure-ignore-tlog "),
    ("aicr -q verify release-1.4 home --onl", "aicr -q verify release-1.4 home --online "),
    ("aicr bundle home --tlog-upload=t", "aicr bundle home --tlog-upload=true "),
    ("aicr bundle home --tlog-upload=f", "aicr bundle home --tlog-upload=false "),
    ("aicr doctor --tlog-upload=f", "aicr doctor --tlog-upload=false "),
    // aicr refuses a value after a blank.
    ("aicr bundle home --tlog-upload f", "aicr bundle home --tlog-upload f"),
    ("aicr insp", "aicr inspect "),
    ("aicr inspect rel", "aicr inspect release"),
    ("aicr sheet release-1.4 --key cosign.p", "aicr sheet release-1.4 --key cosign.pub "),
    ("aicr pack rel", "aicr pack release-1.4/"),
    ("aicr sheet rel", "aicr sheet release"),
    ("aicr sheet release-1.4 -o root.j", "aicr sheet release-1.4 -o root.json "),
    ("aicr verify release-1.4 --key cosign.p", "aicr verify release-1.4 --key cosign.pub "),
    ("aicr verify release-1.4 --key=cosign.p", "aicr verify release-1.4 --key=cosign.pub "),
    ("aicr verify --trusted-root roo", "aicr verify --trusted-root root.json "),
    (
        "aicr bundle-sign release-1.4 --signing-key cosign.k",
        "aicr bundle-sign release-1.4 --signing-key cosign.key ",
    ),
    ("aicr bundle --signing-key=cosign.k", "aicr bundle --signing-key=cosign.key "),
    ("aicr bundle home --output rel", "aicr bundle home --output release-1.4/"),
    ("aicr bundle home --output=rel", "aicr bundle home --output=release-1.4/"),
    ("aicr bundle home -o rel", "aicr bundle home -o release-1.4/"),
    ("aicr --format js", "aicr --format json "),
];

#[test]
fn bash_completes() {
    let sandbox = prepared();
    sandbox.program_run(["bash", "-n", "aicr.bash"]).succeeds();
    typed(&sandbox, "bash --norc --noprofile -i", "source ./setup.bash", LINES).succeeds();
    // An empty word is a path where a command takes paths, and else a flag.
    sandbox.directory("empty/release-1.4");
    let lines = [("aicr verify ", "aicr verify release-1.4/"), ("aicr doctor ", "aicr doctor -")];
    typed(&sandbox, "bash --norc --noprofile -i", "source ./setup.bash; cd empty", &lines).succeeds();
}

#[test]
fn zsh_completes() {
    let sandbox = prepared();
    typed(&sandbox, "zsh -f -i", "source ./setup.zsh", LINES).succeeds();
}

#[test]
fn fish_completes() {
    let sandbox = prepared();
    let complete = |line: &str| {
        let script = format!("source aicr.fish; complete -C '{line}' | cut -f 1");
        let run = sandbox.program_run(["fish", "--no-config", "-c", &script]).whatever_it_prints().succeeds();
        String::from_utf8(run.stdout).unwrap()
    };
    for (line, expected) in [
        ("aicr ver", "verify\n"),
        ("aicr help do", "doctor\n"),
        ("aicr verify release-1.4 --chec", "--checksums-only\n"),
        ("aicr bundle home --tlog-upload=", "--tlog-upload=false\n--tlog-upload=true\n"),
        ("aicr bundle home --tlog-upload=t", "--tlog-upload=true\n"),
        ("aicr bundle home --tlog-upload fal", ""),
        ("aicr verify release-1.4 --key cosign.p", "cosign.pub\n"),
        ("aicr verify release-1.4 --key=cosign.p", "--key=cosign.pub\n"),
        ("aicr sheet release-1.4 --key cosign.p", "cosign.pub\n"),
        ("aicr verify --trusted-root roo", "root.json\n"),
        ("aicr bundle --signing-key=cosign.k", "--signing-key=cosign.key\n"),
        ("aicr bundle home --output rel", "release-1.4/\n"),
        ("aicr doctor --format js", "json\n"),
    ] {
        assert_eq!(complete(line), expected, "{line}");
    }
}

#[test]
fn completions_name_every_flag() {
    let sandbox = Sandbox::new();
    let helps: String =
        COMMANDS.iter().map(|command| printed(&sandbox, &format!("{command} --help"))).collect();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = printed(&sandbox, &format!("completions {shell}"));
        for flag in flags(&helps) {
            // fish writes the name alone, after -l.
            let named = script.contains(&flag) || script.contains(&format!("-l {}", &flag[2..]));
            assert!(named, "{shell} lacks {flag}");
        }
    }
}
