  // The MIDI files of a take can be dragged to the desktop or into a music program, where the browser can do that: Chromium.
  const files = (() => {
    const BUTTONS = ["get-joined-midi", "get-seed-midi", "get-continuation-midi", "get-original-midi"];
    let offered = []; // what Gradio knows of the files, in the order of the buttons
    document.addEventListener("dragstart", (event) => {
      const file = offered[BUTTONS.indexOf(event.target.id)];
      if (!file) return;
      const address = new URL(file.url, location.href).href;
      event.dataTransfer.effectAllowed = "copy";
      event.dataTransfer.setData("DownloadURL", `audio/midi:${file.orig_name}:${address}`);
      event.dataTransfer.setData("text/uri-list", address);
    });
    return {
      offer: (made) => {
        offered = made;
      },
      show: () => {
        for (const button of BUTTONS.map((id) => document.getElementById(id)).filter((each) => each && !each.draggable)) {
          Object.assign(button, { draggable: true, title: text("Click to download, or drag into your music program") });
        }
      },
    };
  })();
