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
    let wanted = false; // a file to hear, not to keep
    return {
      offer: (made) => {
        offered = made;
      },
      // A file that was asked for is there: save it, or play it.
      save: (file) => {
        if (wanted && file.url.endsWith(".mp3")) {
          wanted = false;
          const audio = Object.assign(document.createElement("audio"), { src: file.url, controls: true });
          find("#player .player")?.after(audio);
          audio.play();
        } else Object.assign(document.createElement("a"), { href: file.url, download: file.orig_name }).click();
      },
      // Play the take as the server rendered it, for browsers that can't play notes.
      hear: () => {
        const there = find("#player audio");
        if (there) return there.paused ? there.play() : there.pause();
        wanted = true;
        find("#get-mp3")?.click();
      },
      // The visitor wants the file itself, or there is none.
      keep: () => {
        wanted = false;
      },
      // The music is another one.
      silence: () => {
        wanted = false;
        find("#player audio")?.remove();
      },
      show: () => {
        for (const button of BUTTONS.map((id) => document.getElementById(id)).filter((each) => each && !each.draggable)) {
          Object.assign(button, { draggable: true, title: text("Click to download, or drag into your music program") });
        }
      },
    };
  })();
