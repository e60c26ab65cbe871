  // The player: plays the music on the roll from any place, while it is being written too, as opening, continuation or whole.
  const player = (() => {
    const AHEAD = 0.3; // seconds of notes handed to the sampler beforehand
    const HIDDEN_AHEAD = 2.5; // a page in the background is asked only once a second
    const STUCK = 2000; // milliseconds without sound after which the output is opened anew
    const TAIL = 0.6; // seconds after the last note
    const PARTS = ["seed", "continuation", "joined", "original"];
    const GUESSED = ["a", "b"]; // one is the continuation, the other the original
    const OTHER = ["original", ...GUESSED]; // whole from the start, and not there for every opening
    const LATER = ["continuation", ...OTHER]; // what begins at the hand-over
    let part = "joined";
    let playing = false;
    let place = 0; // seconds of the music at ``since``, a time of the sampler's clock
    let since = 0;
    let handed = 0; // the music's seconds up to which notes were handed over
    let speed = 1;
    let section = null; // [first, last] tick that repeats
    let expecting = false; // Generate was pressed, and what is on the roll after the opening is old
    let held = false; // the music has come to where nothing is written yet
    let old = null; // the music on the roll when Generate was pressed
    let shown = null; // the music that was on the roll before it was drawn anew
    let heard = false; // some of the continuation or the original, under its name
    let loading = 0;
    let timer = 0;
    let frame = 0; // the one that is waited for

    const plays = ({ group }) => group === part || (part === "joined" && (group === "seed" || group === "continuation"));
    const bounds = () => {
      const known = music.now();
      if (!known) return [0, 0];
      const end = Math.max(0, ...known.notes.filter(plays).map((note) => note.end)) + TAIL;
      if (LATER.includes(part)) return [known.split, Math.max(known.split, end)];
      return [0, expecting ? known.split : known.growing ? Math.max(end, known.written) : end];
    };
    const position = () => (playing && !held ? place + (sampler.now() - since) * speed : place);
    // From here on the music is counted from ``seconds``.
    const restart = (seconds) => {
      if (playing) sampler.hush(); // else something else may sound, such as the keyboard
      place = handed = seconds;
      since = sampler.now() + (playing ? 0.04 : 0);
      held = false;
      if (playing) step();
    };
    const limit = (known) => (OTHER.includes(part) ? Infinity : expecting ? known.split : known.growing ? known.written : Infinity);

    // The sampler's clock stands still if the system has stopped its output.
    let clock = { at: -1, seen: 0 };
    const isStuck = () => {
      if (sampler.now() !== clock.at) clock = { at: sampler.now(), seen: performance.now() };
      return performance.now() - clock.seen > STUCK;
    };
    // Hand over the notes of the next moments; runs again and again while the music plays.
    const step = () => {
      clearTimeout(timer);
      const known = music.now();
      if (!playing || !known) return;
      const [first, last] = bounds();
      const stop = section ? Math.min(last, known.seconds(section[1])) : last;
      if (isStuck()) {
        const there = position();
        sampler.reopen();
        clock = { at: -1, seen: 0 };
        return restart(there);
      }
      const here = position();
      const open = limit(known);
      if (here >= open) {
        if (!held) Object.assign(document.body.dataset, { waited: Number(document.body.dataset.waited ?? 0) + 1 });
        place = open;
        held = true; // until more is written
      } else if (held) {
        held = false;
        since = sampler.now();
      }
      if (!held && here >= stop) {
        const again = section ? Math.max(first, known.seconds(section[0])) : stop;
        if (again < stop) restart(again);
        else finish(first);
        return;
      }
      const until = Math.min(here + (document.hidden ? HIDDEN_AHEAD : AHEAD) * speed, open, stop);
      for (const note of known.notes) {
        if (note.start < handed || note.start >= until || !plays(note)) continue;
        heard ||= note.group === "continuation" || note.group === "original";
        const at = since + (note.start - place) / speed;
        sampler.strike(known.voices, note, at, (note.end - note.start) / speed).catch(failed);
      }
      handed = Math.max(handed, until);
      timer = setTimeout(step, 40);
    };
    const finish = (first) => {
      playing = false;
      place = first;
      show();
    };
    const failed = (error) => {
      pause();
      complain(error.message);
    };
    const complain = (sentence) => {
      const box = find("#player .complaint");
      if (box) Object.assign(box, { textContent: sentence, hidden: !sentence });
    };

    const play = async () => {
      const known = music.now();
      if (!known || !sampler.available()) return;
      sampler.wake();
      const [first, last] = bounds();
      const from = position() >= last - 0.05 || position() < first ? first : position();
      const mine = ++loading;
      try {
        const soon = known.notes.filter((note) => note.start >= from - 0.01 && note.start < from + 4);
        await sampler.load(known.voices, soon);
        complain("");
      } catch (error) {
        complain(error.message);
        return;
      }
      if (mine !== loading) return;
      sampler.load(known.voices, known.notes).catch(failed); // the rest, meanwhile
      playing = true;
      clock = { at: -1, seen: 0 };
      restart(from);
      show();
    };
    const pause = () => {
      loading++;
      if (playing) {
        place = position();
        playing = false;
        sampler.hush();
      }
      show();
    };
    const seek = (seconds) => {
      const [first, last] = bounds();
      restart(clamp(seconds, first, last));
      show();
    };
    // Keep the place when switching: from bar 3 of the opening to bar 3 of the continuation, or to the same bar of the whole.
    const choosePart = (wanted) => {
      if (wanted === part || ![...PARTS, ...GUESSED].includes(wanted)) return;
      const split = music.now()?.split ?? 0;
      let seconds = position();
      if (LATER.includes(wanted) && seconds < split) seconds += split;
      if (wanted === "seed" && seconds >= split) seconds -= split;
      part = wanted;
      seek(seconds);
    };

    // The roll was drawn anew: another music, a few more bars, or the same at another tempo or pitch, or by other instruments.
    const redrawn = () => {
      const known = music.now();
      if (!known) return;
      if (expecting && known !== old && (known.growing || known.continues)) expecting = false;
      if (OTHER.includes(part) && !known.notes.some(plays)) {
        pause();
        part = "joined";
      }
      if (section && !section.every((tick) => known.bars.includes(tick))) section = null;
      if (known.rhythm !== shown?.rhythm) {
        section = null;
        heard = false;
        if (playing && !expecting && !known.growing) pause();
        restart(0);
      } else if (known.performance !== shown.performance) {
        restart(known.seconds(shown.tick(position())));
      }
      shown = known;
      if (playing) step();
      if (sampler.available()) {
        const needed = playing ? known.notes : known.notes.filter((note) => note.start < 8);
        sampler.load(known.voices, needed).then(() => complain(""), failed);
      }
      bars.tell();
      show();
    };
    // Show what can be pressed and what is chosen, and where the music is.
    const show = () => {
      const box = find("#player .player");
      if (!box) return;
      const known = music.now();
      const guessing = GUESSED.includes(part);
      for (const button of box.querySelectorAll("[data-part]")) {
        const mine = button.dataset.part === part;
        button.setAttribute("aria-checked", mine);
        button.tabIndex = mine || (guessing && button.dataset.part === "joined") ? 0 : -1;
        button.disabled = button.dataset.part !== "joined" && !known?.continues && !mine;
        if (button.dataset.part === "original") Object.assign(button, { hidden: !known?.own, textContent: known?.own ?? "" });
      }
      for (const each of document.querySelectorAll("#guess [data-guess]")) {
        each.setAttribute("aria-pressed", playing && each.dataset.guess === part);
      }
      find("#roll")?.classList.toggle("original-shown", part === "original");
      find("#roll")?.classList.toggle("guessing", guessing);
      const button = box.querySelector(".play");
      const [first, last] = bounds();
      box.querySelector(".position").disabled = last <= first || !sampler.available();
      button.disabled = last <= first || !(sampler.available() || known?.continues); // a take can be heard as a file
      box.dataset.playing = playing;
      button.setAttribute("aria-label", playing ? text("Pause") : text("Play"));
      box.querySelector(".loop").setAttribute("aria-pressed", Boolean(section));
      move();
    };
    // Show where the music is, in every frame while it plays. Read the layout before writing, and write only what has changed:
    // otherwise every frame would lay out the page anew, several times.
    const move = () => {
      cancelAnimationFrame(frame);
      const box = find("#player .player");
      if (!box) return;
      const known = music.now();
      const [first, last] = bounds();
      const length = Math.max(0, last - first);
      const here = clamp(position() - first, 0, length);
      if (known) {
        const tick = known.tick(clamp(position(), 0, known.seconds(known.ticks)));
        music.point(tick, playing);
        sheet.light(tick, playing && !GUESSED.includes(part) && part !== "original");
      }
      const slider = box.querySelector(".position");
      if (Number(slider.max) !== (length || 1)) slider.max = length || 1;
      slider.value = here;
      slider.style.setProperty("--done", `${length ? (100 * here) / length : 0}%`);
      const heard = text("{place} of {length}", { place: spoken(here), length: spoken(length) }); // a screen reader hears it when it changes, not in every frame
      if (slider.getAttribute("aria-valuetext") !== heard) slider.setAttribute("aria-valuetext", heard);
      for (const [name, seconds] of [[".time", here], [".length", length]]) {
        const label = box.querySelector(name);
        if (label.textContent !== minutes(seconds)) label.textContent = minutes(seconds);
      }
      if (playing) frame = requestAnimationFrame(move);
    };
    return {
      PARTS,
      part: () => part,
      heard: () => heard,
      // Play one of the two that the visitor compares, or pause it.
      guess: (letter) => {
        const again = part === letter;
        choosePart(letter);
        if (again && playing) pause();
        else play();
      },
      isPlaying: () => playing,
      ready: () => Boolean(music.now()?.notes.length) && sampler.available(),
      toggle: () => (playing ? pause() : play()),
      play,
      pause,
      show,
      redrawn,
      choosePart,
      seek: (seconds) => seek(bounds()[0] + seconds),
      skip: (seconds) => seek(position() + seconds),
      // Seek a tick of the whole music; switch to the whole only if the current part does not have that tick.
      seekTick: (tick) => {
        const known = music.now();
        if (!known) return;
        const seconds = known.seconds(tick);
        if ((part === "seed" && seconds >= known.split) || (LATER.includes(part) && seconds < known.split)) part = "joined";
        seek(seconds);
      },
      setSpeed: (value) => {
        const here = position();
        speed = value;
        restart(here);
        show();
      },
      setSection: (ticks) => {
        section = ticks;
        const known = music.now();
        if (section && known && (known.seconds(section[0]) < bounds()[0] || known.seconds(section[1]) > bounds()[1])) part = "joined";
        bars.tell();
        if (section && playing) restart(Math.max(bounds()[0], music.now().seconds(section[0])));
        show();
      },
      section: () => section,
      tick: () => music.now()?.tick(position()) ?? 0,
      // Generate was pressed: play the opening at once; what is written follows.
      listen: () => {
        sampler.wake();
        section = null;
        part = "joined";
        heard = false;
        pause();
        place = 0;
        expecting = true;
        old = music.now();
        play();
      },
      // Nothing more will be written.
      settle: () => {
        if (!expecting) return;
        expecting = false;
        pause();
      },
      // Play a newly chosen opening. (Gradio may say twice that it was chosen.)
      begin: () => {
        if (playing && position() < 2) return;
        part = "joined";
        place = 0;
        play();
      },
    };
  })();
