//! That the page works: it loads nothing, its links and what opens and closes do what they should, and it can be printed.

use libtest_mimic::Failed;
use serde_json::json;

use super::driver::Browser;
use super::pages::Pages;

/// Fails with a sentence unless it is true.
pub fn check(truth: bool, words: impl Into<String>) -> Result<(), Failed> {
    if truth { Ok(()) } else { Err(words.into().into()) }
}

pub fn nothing_is_loaded_and_the_console_stays_empty(
    pages: &Pages,
    browser: &mut Browser,
) -> Result<(), Failed> {
    for page in pages.all() {
        browser.console()?;
        browser.open(page, 1280, false)?;
        let title = browser.ask("return document.title")?;
        check(
            title.as_str().is_some_and(|it| it.starts_with("Containment report: ")),
            format!("{title}"),
        )?;
        let loaded =
            browser.ask("return performance.getEntriesByType('resource').map(it => it.name)")?;
        check(loaded == json!([]), format!("loaded: {loaded}"))?;
        let charts = browser.ask("return [...document.querySelectorAll('svg')].filter(it => !it.getBBox().width && it.checkVisibility()).length")?;
        check(charts == json!(0), format!("{charts} charts are empty"))?;
        let said = browser.console()?;
        check(said.is_empty(), format!("console: {said:?}"))?;
    }
    Ok(())
}

pub fn a_click_on_a_summary_opens_what_is_below_it(
    pages: &Pages,
    browser: &mut Browser,
) -> Result<(), Failed> {
    browser.open(&pages.real, 1280, false)?;
    let closed = "details.case:not([open])";
    let before =
        browser.ask("return document.querySelectorAll('details.case:not([open])').length")?;
    browser.click(&format!("{closed} > summary"))?;
    let after =
        browser.ask("return document.querySelectorAll('details.case:not([open])').length")?;
    check(
        after.as_u64().unwrap_or(9) + 1 == before.as_u64().unwrap_or(0),
        format!("{before} closed, then {after}"),
    )?;
    let shown = browser.ask("const it = document.querySelector('details.case[open] > .body'); return it.checkVisibility() && it.offsetHeight > 100")?;
    check(shown == json!(true), "what was opened is not shown")
}

pub fn a_link_opens_what_it_leads_to(pages: &Pages, browser: &mut Browser) -> Result<(), Failed> {
    let inner = ["#matrix .heat td a", "#matrix .heat tbody th a", "details.finding[open] .more a"];
    for (page, link) in
        [&pages.gallery, &pages.seven].into_iter().flat_map(|page| inner.map(|link| (page, link)))
    {
        browser.open(page, 1280, false)?;
        browser.ask("document.querySelectorAll('details.case').forEach(it => it.open = false)")?;
        browser.click(link)?;
        let state = browser.ask(
            "const it = document.querySelector(location.hash); \
             let opened = true; \
             for (let up = it.parentElement; up; up = up.parentElement) if (up.tagName === 'DETAILS' && !up.open) opened = false; \
             const place = it.getBoundingClientRect(); \
             return { opened, shown: it.checkVisibility(), within: place.top < innerHeight && place.bottom > 0 }",
        )?;
        check(
            state == json!({ "opened": true, "shown": true, "within": true }),
            format!("{page}, {link}: {state}"),
        )?;
    }
    Ok(())
}

pub fn paper_shows_what_is_closed_on_the_screen(
    pages: &Pages,
    browser: &mut Browser,
) -> Result<(), Failed> {
    browser.open(&pages.real, 1280, false)?;
    let script = "const it = document.querySelector('details.case:not([open]) > .body'); return it.offsetHeight > 100 && it.checkVisibility({ contentVisibilityAuto: true })";
    check(browser.ask(script)? == json!(false), "closed on the screen")?;
    browser.media("print", false)?;
    let shown = browser.ask(script)?;
    browser.media("screen", false)?;
    check(shown == json!(true), "shown on paper")
}
