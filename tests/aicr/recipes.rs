//! The recipes in what `aicr sheet` prints: blocks of code, each below its title.

use crate::sandbox::Sandbox;

/// The names of the recipes, and how the paragraph above each begins in a sheet.
const TITLES: [(&str, &str); 8] = [
    ("values", "## 1. Compare the values"),
    ("aicr", "With aicr, "),
    ("cosign-3", "cosign 3.0.5 and later:"),
    ("cosign-2.4-to-3.0.3", "cosign 2.4 to 3.1:"),
    ("cosign-2.0-to-2.3", "cosign 2.0 to 2.3:"),
    ("openssl", "openssl:"),
    ("files", "sha256sum:"),
    ("powershell", "PowerShell 5.1 or later (the tests of aicr do not run this recipe):"),
];

/// The block of a recipe in the sheet `sheet.md` of a test directory, with its fences.
pub(crate) fn block(sandbox: &Sandbox, name: &str) -> String {
    let sheet = sandbox.read("sheet.md");
    let (_, title) = TITLES.iter().find(|(known, _)| *known == name).expect(name);
    let (_, rest) = sheet.split_once(&format!("\n{title}")).expect(title);
    let (_, rest) = rest.split_once("\n\n").unwrap();
    let (block, _) = rest.split_once("\n```\n").unwrap();
    assert!(block.starts_with("```"), "{block}");
    format!("{block}\n```\n")
}

/// The commands of a recipe for a POSIX shell.
pub(crate) fn recipe(sandbox: &Sandbox, name: &str) -> String {
    let block = block(sandbox, name);
    block.strip_prefix("```sh\n").unwrap().strip_suffix("```\n").unwrap().to_owned()
}

/// A sheet has no other blocks than the values to compare and the recipes.
#[test]
fn every_recipe_of_a_sheet_is_known() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    sandbox.aicr("sheet B --key cosign.pub --output sheet.md --quiet").succeeds();
    let blocks = TITLES.map(|(name, _)| block(&sandbox, name));
    assert_eq!(sandbox.read("sheet.md").matches("\n```\n").count(), blocks.len() + 1);
    assert_eq!(blocks.iter().filter(|block| block.starts_with("```powershell\n")).count(), 1);
}
