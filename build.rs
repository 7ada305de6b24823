//! Passes on the target, which cargo names to build scripts only. The program has it in
//! `aicr --version -v`.

#[expect(clippy::disallowed_methods, reason = "a build script gets its input from the environment")]
fn main() {
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=AICR_TARGET={target}");
    println!("cargo::rerun-if-changed=build.rs");
}
