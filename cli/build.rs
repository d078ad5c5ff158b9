//! Links the binary at a fixed place: the tables of natives hold 13,000 addresses, which a
//! position-independent program writes anew, page by page, each time it starts
//! (docs/decisions/0011-start-up.md).

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let of_target =
        |key: &str| std::env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    if of_target("OS") == "linux" && of_target("ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
