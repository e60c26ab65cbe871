  // Clicks and keys on the player, the roll and the score, and what Gradio's events call.
  const onRoll = (event) => event.target.closest("#roll svg[data-voices]");
  document.addEventListener("click", (event) => {
    const { target } = event;
    const partButton = target.closest("#player [data-part]");
    if (partButton) player.choosePart(partButton.dataset.part);
    else if (target.closest("#zoom [data-zoom]")) music.zoom(Number(target.closest("#zoom [data-zoom]").dataset.zoom));
    else if (target.closest("#edit-notes")) edit.toggle();
    else if (target.closest("#player .play")) sampler.available() ? player.toggle() : files.hear();
    else if (target.closest("#get-mp3") && event.isTrusted) files.keep();
    else if (target.closest("#player .loop")) {
      const known = music.now();
      const first = known?.continues ? known.bars.find((tick) => known.seconds(tick) >= known.split - 0.001) : known?.bars[0];
      player.setSection(player.section() || !known ? null : [first, known.bars.at(-1)]);
    } else if (target.closest("#guess [data-guess]")) {
      player.guess(target.closest("[data-guess]").dataset.guess);
    } else if (target.closest("#cards [data-prefer]")) {
      document.querySelectorAll("#prefer input")[Number(target.closest("[data-prefer]").dataset.prefer)]?.click();
    } else if (target.closest("#cards [data-take]")) {
      document.querySelectorAll("#pick input")[Number(target.closest("[data-take]").dataset.take)]?.click();
    } else if (target.closest(".own-tab, .to-community, .sign-in")) {
      shared.follow(target);
    } else if (target.closest("#lock-bars")) {
      bars.lock();
    } else if (target.closest("#roll .piano")) {
      edit.hearKey(event.clientY);
    } else if (bars.clicked(event)) {
      return;
    } else if (onRoll(event)) {
      player.seekTick(music.tickAt(onRoll(event), event.clientX));
    } else if (target.closest("#sheet .note")) {
      const tick = sheet.tickOf(target);
      if (tick !== undefined) player.seekTick(tick);
    }
  });
  document.addEventListener("input", (event) => {
    const { target } = event;
    if (target.matches("#player .position")) player.seek(Number(target.value));
    else if (target.matches("#player .speed")) {
      player.setSpeed(2 ** Number(target.value));
      const factor = times(2 ** Number(target.value));
      target.setAttribute("aria-valuetext", text("{factor} times as fast", { factor }));
      target.nextElementSibling.textContent = `${factor}×`;
    } else if (target.matches("#player .volume")) sampler.setVolume(Number(target.value) ** 2);
  });
  // Who chooses the score sees it: editing, and the composer's own continuation, are on the roll.
  document.addEventListener("change", ({ target }) => {
    if (!target.closest("#view") || target.value !== "score") return;
    if (document.body.dataset.editing === "true") edit.toggle();
    if (!["seed", "continuation"].includes(player.part())) player.choosePart("joined");
  });
  // Another language: the page is loaded again, as it goes on after any reload.
  document.addEventListener("click", ({ target }) => {
    if (!target.closest("#language")) find("#language")?.removeAttribute("open");
    const wanted = target.closest("#language [data-language]")?.dataset.language;
    if (!wanted) return;
    // Within another page, as on the Hub, a browser keeps only cookies like this.
    const guarded = location.protocol === "https:" ? "SameSite=None; Secure; Partitioned" : "SameSite=Lax";
    document.cookie = `musiclstm_language=${wanted}; Max-Age=31536000; Path=${location.pathname}; ${guarded}`;
    location.reload();
  });
  document.addEventListener("keydown", (event) => {
    if (bars.pressed(event)) {
      event.preventDefault();
      return;
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      find("#generate")?.click();
      return;
    }
    const turn = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.target.closest("#player [data-part]") && turn) {
      const open = player.PARTS.filter((part) => !find(`#player [data-part=${part}]`)?.matches(":disabled, [hidden]"));
      player.choosePart(open[(open.indexOf(player.part()) + turn + open.length) % open.length]);
      find(`#player [data-part=${player.part()}]`)?.focus();
      event.preventDefault();
      return;
    }
    // Leave Space and the arrows to a focused control that uses them.
    if (event.target.closest("input, textarea, select, button, a, summary, [role=option], [contenteditable]")) return;
    if (!player.ready()) return;
    if (event.key === " ") player.toggle();
    else if (event.key === "ArrowRight") player.skip(3);
    else if (event.key === "ArrowLeft") player.skip(-3);
    else return;
    event.preventDefault();
  });

  // On a phone the stage is below the controls.
  const look = () => {
    const stage = find("#roll")?.clientWidth ? "#roll" : "#sheet";
    if (window.innerWidth <= 900) find(stage)?.scrollIntoView({ behavior: "smooth", block: "center" });
  };
  window.musiclstm = {
    player,
    sampler,
    duet,
    openings,
    earlier,
    look,
    width: () => find("#roll")?.clientWidth || find("#sheet")?.clientWidth || 0, // one of the two is in view
    chosen: () => sampler.wake(),
    begin: () => {
      files.silence();
      keyboard.close();
      player.begin();
    },
    listen: () => {
      files.silence();
      duet.leave(false);
      look();
      player.listen();
    },
    bars,
    turns,
    playing: (inputs) => [keyboard.playing(), ...inputs.slice(1)],
    changed: (inputs) => turns.take([edit.waiting(), ...inputs.slice(1)]),
    changeAnswered: () => {
      edit.answered();
      turns.answered();
    },
    settle: () => player.settle(),
    save: files.save,
    unsaved: files.keep,
    // A take is on the roll with its MIDI files and its code: the address of its link.
    arrived: (inputs) => {
      const code = inputs.at(-1);
      files.offer(inputs.slice(0, -1));
      files.silence();
      shared.show(code);
      document.body.dataset.takes = Number(document.body.dataset.takes ?? 0) + 1; // so that tests can wait for the next one
      return shared.link();
    },
    // The same take has another code: bars were locked.
    link: (code) => {
      shared.show(code);
      return shared.link();
    },
  };

  // Keep the newest notes in view while the roll grows, and update a player that Gradio has drawn again.
  let box = null;
  let keys = null;
  let strip = null;
  let leaf = null;
  let words = null;
  const follow = () => {
    const roll = find("#roll .html-container");
    const growing = roll && roll.querySelector(".growing svg");
    const newest = growing && growing.querySelector(".continuation rect:last-of-type");
    if (newest && !player.isPlaying()) {
      roll.scrollLeft = Math.max(roll.scrollLeft, music.pixels(Number(newest.getAttribute("x"))) - roll.clientWidth * 0.85);
    }
    // Let the keyboard reach and scroll every scrolling area.
    for (const [name, id] of [[text("Piano roll"), "#roll"], [text("Score"), "#sheet"], [text("Openings"), "#openings"]]) {
      const area = find(`${id} .html-container`);
      if (!area || area.tabIndex >= 0) continue;
      Object.assign(area, { tabIndex: 0, role: "group", ariaLabel: name });
      if (id === "#openings") continue;
      area.setAttribute("aria-keyshortcuts", "Shift+ArrowRight Shift+ArrowLeft Escape");
      area.addEventListener("touchmove", bars.hold, { passive: false });
    }
    if (find("#player .player") !== box) {
      box = find("#player .player");
      player.show();
    }
    if (find("#openings .openings") !== strip) {
      strip = find("#openings .openings");
      openings.drawn();
    }
    if (find("#keys .keys") !== keys) {
      keys = find("#keys .keys");
      keyboard.show();
    }
    if (find("#sheet .sheet") !== leaf || find("#chosen-bars") !== words) {
      leaf = find("#sheet .sheet");
      words = find("#chosen-bars");
      bars.tell();
    }
    files.show();
    shared.open();
    music.stick();
    if (music.changed()) {
      player.redrawn();
      edit.redrawn();
    }
  };
  const MUSIC = ["data-notes", "data-written", "data-clock", "data-voices", "data-locked"];
  new MutationObserver(follow).observe(document.body, { childList: true, subtree: true, attributeFilter: MUSIC });
