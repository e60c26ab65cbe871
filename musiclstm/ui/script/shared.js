  // The link of the music on show, and the links of a Space that carry it.
  const shared = (() => {
    const LONGEST = 6000; // characters that the Hub takes in an address
    let code = "";
    const link = () => (code ? `${location.origin}${location.pathname}?recipe=${code}` : "");
    // Within another page, as on the Hub, a browser may forbid sound or MIDI, and keeps other cookies.
    if (window.top !== window.self) document.body.dataset.framed = "true";
    return {
      link,
      show: (shown) => {
        code = shown;
      },
      // A link of the page is clicked.
      follow: (clicked) => {
        if (clicked.matches(".own-tab")) clicked.href = link() || ".";
        // The page around this one lets it scroll on the Hub's own page.
        else if (clicked.matches(".sign-in")) window.parent.postMessage({ type: "SET_SCROLLING", enabled: true }, "*");
        else {
          const title = find("#heading h2")?.innerText ?? "";
          const description = link().length <= LONGEST ? link() : "";
          clicked.href = `${clicked.href.split("?")[0]}?${new URLSearchParams({ title, description })}`;
        }
      },
      // Who comes back from the Hub wants to go on with their versions.
      open: () => {
        const button = location.hash === "#hub-fold" && player.ready() && find("#hub-fold > button");
        if (!button) return;
        history.replaceState(null, "", location.pathname + location.search);
        button.click();
        button.scrollIntoView({ block: "center" });
      },
    };
  })();
