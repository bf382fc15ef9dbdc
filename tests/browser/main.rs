//! The HTML report in a real browser: headless Chromium, driven through its driver. Skipped with the reason where there is no
//! Chromium; with `CONTAIN_TEST_MUST_RUN=1` that is a failure. `SCREENSHOTS=DIRECTORY` keeps pictures of what was looked at.

mod base64;
mod driver;
#[path = "../fixtures/gallery.rs"]
mod gallery;
mod looks;
mod pages;
mod works;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use driver::{Browser, Missing};
use pages::Pages;

type Test = fn(&Pages, &mut Browser) -> Result<(), Failed>;

/// All tests, in the order in which they run: one browser serves them one after the other.
const TESTS: [(&str, Test); 9] = [
    (
        "nothing_is_loaded_and_the_console_stays_empty",
        works::nothing_is_loaded_and_the_console_stays_empty,
    ),
    (
        "a_click_on_a_summary_opens_what_is_below_it",
        works::a_click_on_a_summary_opens_what_is_below_it,
    ),
    ("a_link_opens_what_it_leads_to", works::a_link_opens_what_it_leads_to),
    ("paper_shows_what_is_closed_on_the_screen", works::paper_shows_what_is_closed_on_the_screen),
    ("nothing_is_wider_than_the_window", looks::nothing_is_wider_than_the_window),
    ("no_words_are_squeezed_into_a_column", looks::no_words_are_squeezed_into_a_column),
    ("text_is_large_enough_to_read", looks::text_is_large_enough_to_read),
    ("text_stands_out_in_light_and_dark", looks::text_stands_out_in_light_and_dark),
    ("pictures_are_taken", looks::pictures_are_taken),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // One browser, one page at a time.
    arguments.test_threads = Some(1);
    let must_run = std::env::var_os("CONTAIN_TEST_MUST_RUN").is_some_and(|it| it == "1");
    let started =
        if arguments.list { Err(Missing("only listed".into())) } else { Browser::start() };
    let (browser, missing) = match started {
        Ok(browser) => (Some(browser), None),
        Err(missing) => (None, Some(missing)),
    };
    let shared = std::sync::Arc::new(std::sync::Mutex::new(
        browser.map(|browser| (Pages::write(), browser)),
    ));
    let trials = TESTS
        .into_iter()
        .map(|(name, test)| {
            let (shared, why) = (shared.clone(), missing.as_ref().map(|it| it.0.clone()));
            Trial::ignorable_test(name, move || {
                let mut shared = shared.lock().map_err(|_| "an earlier test panicked")?;
                match (shared.as_mut(), why.unwrap_or_default()) {
                    (Some((pages, browser)), _) => {
                        test(pages, browser).map(|()| Completion::Completed)
                    }
                    (None, why) if must_run => Err(format!("cannot run: {why}").into()),
                    (None, why) => Ok(Completion::ignored_with(why)),
                }
            })
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    // The browser ends before the program does, also when a test failed.
    drop(shared);
    if conclusion.has_failed() { ExitCode::from(101) } else { ExitCode::SUCCESS }
}
