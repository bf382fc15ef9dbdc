//! A browser, spoken to through `chromedriver` (w3.org/TR/webdriver2): JSON over HTTP on a port of this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Why there is no browser.
pub struct Missing(pub String);

/// How long the driver may take to begin, and a page to answer.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// A running driver with one open window.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    /// The browser's own files; removed at the end.
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts driver and browser. Nothing of a user's profile is used, and nothing is fetched.
    pub fn start() -> Result<Self, Missing> {
        let chromium =
            found(&["chromium", "chromium-browser", "google-chrome"]).ok_or_else(|| {
                Missing("no Chromium (Debian: apt-get install chromium chromium-driver)".into())
            })?;
        let program = found(&["chromedriver"]).ok_or_else(|| {
            Missing("no chromedriver (Debian: apt-get install chromium-driver)".into())
        })?;
        let profile = tempfile::tempdir().map_err(|error| Missing(error.to_string()))?;
        let mut driver = Command::new(program)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| Missing(format!("chromedriver does not start: {error}")))?;
        let port = match port_of(&mut driver) {
            Ok(port) => port,
            Err(missing) => {
                let _ = driver.kill();
                let _ = driver.wait();
                return Err(missing);
            }
        };
        let mut browser = Self { driver, port, session: String::new(), _profile: profile };
        let profile = browser._profile.path().join("profile");
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--allow-file-access-from-files=false",
        ];
        let mut arguments: Vec<String> = arguments.map(str::to_owned).to_vec();
        arguments.push(format!("--user-data-dir={}", profile.display()));
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "binary": chromium, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        }}});
        let answer = browser
            .request("POST", "/session", &wanted)
            .map_err(|error| Missing(format!("Chromium does not start: {error}")))?;
        browser.session = answer["sessionId"].as_str().unwrap_or_default().to_owned();
        Ok(browser)
    }

    /// Opens a page in a window of that width.
    pub fn open(&mut self, page: &str, width: u32, dark: bool) -> Result<(), String> {
        let size =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &size)?;
        self.media("screen", dark)?;
        // A page that is open already would keep what was opened in it.
        self.post("/url", &json!({ "url": "about:blank" }))?;
        self.post("/url", &json!({ "url": page }))?;
        Ok(())
    }

    /// Screen or paper, light or dark.
    pub fn media(&mut self, media: &str, dark: bool) -> Result<(), String> {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "media": media, "features": features }),
        )?;
        Ok(())
    }

    /// The value of a piece of script, which the page itself has none of.
    pub fn ask(&mut self, script: &str) -> Result<Value, String> {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Clicks on the first element that a selector finds.
    pub fn click(&mut self, selector: &str) -> Result<(), String> {
        let found =
            self.post("/element", &json!({ "using": "css selector", "value": selector }))?;
        let id = found
            .as_object()
            .and_then(|it| it.values().next())
            .and_then(Value::as_str)
            .ok_or("no element")?
            .to_owned();
        self.post(&format!("/element/{id}/click"), &json!({}))?;
        Ok(())
    }

    /// What the browser logged since the last time.
    pub fn console(&mut self) -> Result<Vec<String>, String> {
        let entries = self.post("/se/log", &json!({ "type": "browser" }))?;
        let entries = entries.as_array().cloned().unwrap_or_default();
        Ok(entries.iter().map(|entry| entry["message"].to_string()).collect())
    }

    /// A picture of the page in PNG, `top` pixels below its beginning.
    pub fn picture(&mut self, top: u32, (width, height): (u32, u32)) -> Result<Vec<u8>, String> {
        let clip = json!({ "x": 0, "y": top, "width": width, "height": height, "scale": 1 });
        let wanted = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let answer = self.devtools("Page.captureScreenshot", &wanted)?;
        Ok(super::base64::decoded(answer["data"].as_str().ok_or("no picture")?))
    }

    fn devtools(&mut self, command: &str, parameters: &Value) -> Result<Value, String> {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    fn post(&mut self, path: &str, body: &Value) -> Result<Value, String> {
        let path = format!("/session/{}{path}", self.session);
        self.request("POST", &path, body)
    }

    fn request(&mut self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let say = |error: std::io::Error| format!("{method} {path}: {error}");
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(say)?;
        stream.set_read_timeout(Some(TIME_LIMIT)).map_err(say)?;
        let body = body.to_string();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.port,
            body.len()
        );
        stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body.as_bytes()))
            .map_err(say)?;
        let mut answer = BufReader::new(stream);
        let mut length = None;
        loop {
            let mut line = String::new();
            answer.read_line(&mut line).map_err(say)?;
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse::<usize>().ok();
            }
        }
        let mut bytes = vec![0; length.ok_or("an answer without a length")?];
        answer.read_exact(&mut bytes).map_err(say)?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        match value["value"]["error"].as_str() {
            Some(error) => Err(format!("{path}: {error}: {}", value["value"]["message"])),
            None => Ok(value["value"].clone()),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let path = format!("/session/{}", self.session);
            let _ = self.request("DELETE", &path, &json!({}));
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The driver chooses a free port and says which.
fn port_of(driver: &mut Child) -> Result<u16, Missing> {
    let stdout = driver.stdout.take().ok_or_else(|| Missing("chromedriver says nothing".into()))?;
    let start = Instant::now();
    for line in BufReader::new(stdout).lines() {
        let line = line.map_err(|error| Missing(error.to_string()))?;
        let port = line
            .rsplit_once("on port ")
            .and_then(|(_, port)| port.trim_end_matches('.').parse().ok());
        if let Some(port) = port.filter(|&port| port != 0 && line.contains("successfully")) {
            return Ok(port);
        }
        if start.elapsed() > TIME_LIMIT {
            break;
        }
    }
    Err(Missing("chromedriver does not say its port".into()))
}

/// The first of these programs that `PATH` has.
fn found(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
}
