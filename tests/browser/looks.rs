//! How the page looks: wide and narrow, light and dark.

use libtest_mimic::Failed;
use serde_json::json;

use super::driver::Browser;
use super::pages::Pages;
use super::works::check;

/// A desktop window, a tablet, a telephone, in pixels.
const WIDTHS: [u32; 4] = [1280, 800, 400, 320];

/// The smallest height of a line of text in a chart, in pixels.
const LEAST_TEXT: f64 = 9.0;

/// What WCAG 2.1 asks of text at least (level AA).
const LEAST_CONTRAST: f64 = 4.5;

pub fn nothing_is_wider_than_the_window(
    pages: &Pages,
    browser: &mut Browser,
) -> Result<(), Failed> {
    for page in pages.all() {
        for width in WIDTHS {
            browser.open(page, width, false)?;
            browser.ask("document.querySelectorAll('details.finding, details.case').forEach(it => it.open = true)")?;
            let wide = browser.ask("return document.documentElement.scrollWidth")?;
            check(
                wide.as_u64().is_some_and(|it| it <= u64::from(width)),
                format!("{page}: {wide} at {width}"),
            )?;
        }
    }
    Ok(())
}

/// A text in a box that is too narrow for its words stands letter below letter, and is no wider than the window.
pub fn no_words_are_squeezed_into_a_column(
    pages: &Pages,
    browser: &mut Browser,
) -> Result<(), Failed> {
    for page in pages.all() {
        for width in WIDTHS {
            browser.open(page, width, false)?;
            browser.ask("document.querySelectorAll('details').forEach(it => it.open = true)")?;
            let squeezed = browser.ask(
                "return [...document.querySelectorAll('caption, h1, h2, h3, h4, p, li, figcaption, summary, dt, dd, td, th')] \
                 .filter(it => it.checkVisibility() && it.textContent.trim().length > 12 && it.offsetHeight > 4 * it.offsetWidth) \
                 .map(it => it.tagName + ': ' + it.textContent.trim().slice(0, 40))",
            )?;
            check(squeezed == json!([]), format!("{page} at {width}: {squeezed}"))?;
        }
    }
    Ok(())
}

pub fn text_is_large_enough_to_read(pages: &Pages, browser: &mut Browser) -> Result<(), Failed> {
    for page in [&pages.real, &pages.seven] {
        for width in [1280, 400] {
            browser.open(page, width, false)?;
            browser.ask("document.querySelectorAll('details').forEach(it => it.open = true)")?;
            let least = browser.ask(
                "return Math.min(...[...document.querySelectorAll('svg text')].filter(it => it.textContent).map(it => it.getBoundingClientRect().height))",
            )?;
            check(
                least.as_f64().is_some_and(|it| it >= LEAST_TEXT),
                format!("{page}: {least} pixels at {width}"),
            )?;
        }
    }
    Ok(())
}

/// The contrast of a text with its ground, as WCAG 2.1 defines it; colours are read from a canvas, which knows every notation.
const CONTRAST: &str = "
const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
const rgb = (colours) => {
  canvas.clearRect(0, 0, 1, 1);
  for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
  return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
};
const light = ([r, g, b]) => [r, g, b].map(it => it / 255).map(it => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4)
  .reduce((sum, it, index) => sum + it * [0.2126, 0.7152, 0.0722][index], 0);
const grounds = (it) => it ? [...grounds(it.parentElement), getComputedStyle(it).backgroundColor] : ['white'];
const found = [];
for (const it of document.querySelectorAll(SELECTOR)) {
  if (!it.checkVisibility() || !it.textContent.trim()) continue;
  const under = rgb(grounds(it));
  const over = rgb([...grounds(it), getComputedStyle(it).color]);
  const [high, low] = [light(under), light(over)].sort((one, other) => other - one);
  found.push([(high + 0.05) / (low + 0.05), it.className + ' ' + it.textContent.slice(0, 40)]);
}
found.sort((one, other) => one[0] - other[0]);
return [found.length, found[0]];
";

pub fn text_stands_out_in_light_and_dark(
    pages: &Pages,
    browser: &mut Browser,
) -> Result<(), Failed> {
    for dark in [false, true] {
        browser.open(&pages.gallery, 1280, dark)?;
        browser.ask("document.querySelectorAll('details.finding, details.case').forEach(it => it.open = true)")?;
        for selector in [
            "p, h1, h2, h3, h4, dt, dd, code, .about",
            ".heat td a span, .heat th, .heat td.none",
            ".chip, summary span",
            "a",
        ] {
            let worst = browser.ask(&CONTRAST.replace("SELECTOR", &json!(selector).to_string()))?;
            let (count, contrast) =
                (worst[0].as_u64().unwrap_or(0), worst[1][0].as_f64().unwrap_or(0.0));
            check(
                count > 10 && contrast >= LEAST_CONTRAST,
                format!("dark: {dark}, {selector}: {worst}"),
            )?;
        }
    }
    Ok(())
}

/// A length in pixels.
fn whole(value: &serde_json::Value) -> u32 {
    value.as_u64().and_then(|it| u32::try_from(it).ok()).unwrap_or(0)
}

/// Light and dark, wide and narrow: each a picture that is no blank sheet. They are kept where `SCREENSHOTS` says.
pub fn pictures_are_taken(pages: &Pages, browser: &mut Browser) -> Result<(), Failed> {
    let keep = std::env::var_os("SCREENSHOTS").map(std::path::PathBuf::from);
    let case = format!("{}#s0c2", pages.real);
    // All but the last are those of the documentation, cut where a reader has seen what it is.
    let all = [
        ("report", &pages.real, 1200),
        ("case", &case, 1800),
        ("seven", &pages.seven, 1600),
        ("gallery", &pages.gallery, 3600),
    ];
    for (name, page, most) in all {
        for dark in [false, true] {
            for width in [1280, 400] {
                browser.open(page, width, dark)?;
                let height = whole(&browser.ask("return document.documentElement.scrollHeight")?);
                let top = browser.ask(
                    "const it = location.hash && document.querySelector(location.hash).parentElement; \
                     return it ? Math.max(0, Math.round(it.getBoundingClientRect().top + scrollY) - 8) : 0",
                )?;
                let top = whole(&top);
                let picture = browser.picture(top, (width, (height - top).min(most)))?;
                check(
                    picture.starts_with(b"\x89PNG") && picture.len() > 20_000,
                    format!("{name}: {} bytes", picture.len()),
                )?;
                if let Some(folder) = &keep {
                    let scheme = if dark { "dark" } else { "light" };
                    let file = folder.join(format!("{name}-{scheme}-{width}.png"));
                    std::fs::write(&file, picture)
                        .map_err(|error| format!("{}: {error}", file.display()))?;
                }
            }
        }
    }
    Ok(())
}
