//! `bgfetch sdk`: where the Node SDK is, for `node --require`.

use crate::args::Common;
use crate::exit::Failure;
use crate::{sdk, show};

pub(crate) fn run(common: &Common) -> Result<(), Failure> {
    let preload = sdk::preload()?;
    if common.json {
        return show::print_json(&serde_json::json!({ "preload": preload }));
    }
    show::print(&format!("{}\n", preload.display()))
}
