  // Play your own opening: keys on the screen, the computer's keys, or a MIDI keyboard; with a metronome, or freely.
  const keyboard = (() => {
    const LETTERS = ["a", "w", "s", "e", "d", "f", "t", "g", "y", "h", "u", "j", "k", "o", "l", "p"]; // semitones from C
    const BLACK = [1, 3, 6, 8, 10];
    const MOST = 3000; // notes of one recording
    const TOUCH = 80; // the velocity of keys that don't tell theirs
    const PIANO = [{ program: 0, lowest: 0 }];
    let lowest = window.innerWidth < 560 ? 60 : 48;
    let midi = null;
    let pedal = false;
    const down = new Map(); // key: the note that sounds
    const held = new Set(); // keys that the pedal holds
    let recording = null; // its notes and the time of its first beat
    let recorded = null;
    let clicks = 0;
    let hearing = 0;
    let partner = null; // who is told of keys and pedals, in a duet

    const panel = () => find("#keys .keys");
    const field = (name) => panel().querySelector(`.${name}`);
    const tell = (words) => (field("told").textContent = words);
    const seconds = (stamp) => (stamp ?? performance.now()) / 1000;

    const draw = () => {
      const piano = field("piano");
      const most = window.innerWidth < 560 ? 17 : 37; // wide enough for a finger
      if (piano.dataset.drawn === `${lowest} ${most}`) return;
      piano.dataset.drawn = `${lowest} ${most}`;
      const keys = Array.from({ length: most }, (_, i) => lowest + i).filter((key) => key <= 108);
      const whites = keys.filter((key) => !BLACK.includes(key % 12));
      const width = 100 / whites.length;
      piano.replaceChildren(
        ...keys.map((key) => {
          const button = document.createElement("button");
          const black = BLACK.includes(key % 12);
          const before = whites.filter((white) => white < key).length;
          Object.assign(button, { type: "button", className: black ? "black" : "white", tabIndex: -1 });
          button.dataset.key = key;
          button.setAttribute("aria-label", keyName(key));
          button.style.left = `${black ? (before - 0.3) * width : before * width}%`;
          button.style.width = `${black ? 0.6 * width : width}%`;
          if (key % 12 === 0) button.textContent = text("C{octave}", { octave: key / 12 - 1 });
          return button;
        }),
      );
    };
    const light = (key, on) => panel()?.querySelector(`[data-key="${key}"]`)?.classList.toggle("down", on);

    const press = (key, velocity = TOUCH, stamp = undefined) => {
      if (held.has(key)) release(key, stamp, true);
      if (key < 21 || key > 108 || down.has(key)) return;
      sampler.wake();
      player.pause();
      partner?.pressed();
      const note = { key, velocity, at: seconds(stamp), voice: sampler.strike(PIANO, { key, velocity }, sampler.now(), 20) };
      note.voice.catch((error) => tell(error.message));
      down.set(key, note);
      light(key, true);
      partner?.struck(note);
      if (recording && recording.notes.length < MOST) {
        recording.start ??= note.at;
        recording.notes.push(note);
      }
    };
    const release = (key, stamp = undefined, really = false) => {
      const note = down.get(key);
      if (!note) return;
      if (pedal && !really) {
        held.add(key);
        partner?.released();
        return;
      }
      down.delete(key);
      held.delete(key);
      note.until = seconds(stamp);
      note.voice.then((voice) => voice && sampler.letGo(voice, 0.06)).catch(() => {});
      light(key, false);
      partner?.released();
    };
    const silence = () => {
      for (const key of [...down.keys()]) release(key, undefined, true);
    };
    const setPedal = (on, stamp) => {
      pedal = on;
      if (!on) for (const key of held) release(key, stamp);
    };

    // The metronome: a higher click on the first beat of a bar.
    const beat = () => {
      const [above, below] = field("beat-metre").value.split("/").map(Number);
      const dotted = below === 8 && above % 3 === 0;
      const quarters = dotted ? 1.5 : 4 / below;
      const tempo = clamp(Number(field("beat-tempo").value) || 96, 40, 208);
      return { tempo, beats: dotted ? above / 3 : above, length: (60 / tempo) * quarters, metre: field("beat-metre").value };
    };
    const tick = (begun, number, { beats, length }) => {
      const ahead = begun + number * length - seconds();
      sampler.click(sampler.now() + Math.max(0, ahead), number % beats === 0);
      const place = number - beats;
      const counts = { number: number + 1, bar: Math.floor(place / beats) + 1, beat: (place % beats) + 1 };
      tell(place < 0 ? text("Count-in: {number}", counts) : text("Recording · bar {bar}, beat {beat}", counts));
      clicks = setTimeout(() => tick(begun, number + 1, { beats, length }), 1000 * (begun + (number + 1) * length - seconds()) - 30);
    };

    const record = () => {
      sampler.wake();
      player.pause();
      stopHearing();
      recorded = null;
      const steady = field("metronome").checked ? beat() : null;
      recording = { notes: [], start: null, ...(steady && { tempo: steady.tempo, metre: steady.metre }) };
      if (steady) {
        const begun = seconds() + 0.15;
        recording.start = begun + steady.beats * steady.length;
        tick(begun, 0, steady);
      } else tell(text("Recording: play freely, your beat is found afterwards."));
      show();
    };
    const stop = () => {
      clearTimeout(clicks);
      silence();
      const { notes, start, tempo, metre } = recording;
      recording = null;
      const rows = notes.map(({ key, velocity, at, until }) => [at - start, Math.max(0.03, (until ?? seconds()) - at), key, velocity]);
      recorded = rows.length ? { notes: rows, ...(tempo && { tempo, metre, first_beat: 0 }) } : null;
      const kept = counted(
        "{n} note. Hear it, use it as your opening, or record again.",
        "{n} notes. Hear them, use them as your opening, or record again.",
        rows.length,
      );
      tell(rows.length ? kept : text("Nothing was played."));
      show();
    };
    const hear = async () => {
      if (hearing) return stopHearing();
      await sampler.load(PIANO, recorded.notes.map(([, , key, velocity]) => ({ key, velocity })));
      const first = Math.min(...recorded.notes.map(([at]) => at));
      const begun = sampler.now() + 0.05;
      for (const [at, length, key, velocity] of recorded.notes) sampler.strike(PIANO, { key, velocity }, begun + at - first, length);
      const end = Math.max(...recorded.notes.map(([at, length]) => at + length)) - first;
      hearing = setTimeout(stopHearing, 1000 * end + 300);
      show();
    };
    const stopHearing = () => {
      if (hearing) sampler.hush();
      clearTimeout(hearing);
      hearing = 0;
      show();
    };

    const connect = async () => {
      if (!navigator.requestMIDIAccess) return tell(text("This browser can't use MIDI keyboards; Chrome, Edge and Firefox can."));
      try {
        midi = await navigator.requestMIDIAccess();
      } catch {
        tell(
          window.top === window
            ? text("The browser was not allowed to use MIDI. Allow it in the address bar.")
            : text("MIDI is not allowed inside another page: open this one in its own tab."),
        );
        return;
      }
      const listen = () => {
        const inputs = [...midi.inputs.values()];
        for (const input of inputs) input.onmidimessage = hearMidi;
        if (inputs.length) load();
        tell(inputs.length ? text("Listening to {names}.", { names: inputs.map(({ name }) => name).join(", ") }) : text("No MIDI keyboard is plugged in yet."));
      };
      midi.onstatechange = listen;
      listen();
    };
    const hearMidi = ({ data, timeStamp }) => {
      const [status, key, value] = data;
      const kind = status & 0xf0;
      if (kind === 0x90 && value) press(key, value, timeStamp);
      else if (kind === 0x80 || kind === 0x90) release(key, timeStamp);
      else if (kind === 0xb0 && key === 64) setPedal(value >= 64, timeStamp);
      else if (kind === 0xb0 && (key === 66 || key === 67) && value >= 64) partner?.handOver(); // the middle or the left pedal
    };

    // Load the sounds of all keys at a velocity; at every one if it is undefined, which takes much memory.
    const load = (velocity) => {
      const every = Array.from({ length: 88 }, (_, i) => ({ key: 21 + i, velocity }));
      sampler.load(PIANO, every).catch((error) => tell(error.message));
    };
    const isOpen = () => Boolean(panel() && !panel().hidden);
    const show = () => {
      if (!panel()) return;
      draw();
      field("record").setAttribute("aria-pressed", Boolean(recording));
      field("record").textContent = recording ? text("■ Stop") : text("● Record");
      field("hear").textContent = hearing ? text("■ Stop") : text("▶ Hear it");
      field("hear").disabled = field("use").disabled = !recorded || Boolean(recording);
      field("piano").classList.toggle("recording", Boolean(recording));
    };
    const open = (on) => {
      panel().hidden = !on;
      document.body.dataset.keys = on;
      if (on) {
        player.pause();
        sampler.hurry();
        sampler.wake();
        show();
        load(TOUCH);
        panel().scrollIntoView({ block: "nearest", behavior: "smooth" });
      } else {
        duet.leave();
        if (recording) stop();
        silence();
        stopHearing();
      }
    };

    document.addEventListener("click", ({ target }) => {
      if (target.closest("#play-your-own")) open(!isOpen());
      else if (!target.closest("#keys")) return;
      else if (target.closest(".record")) recording ? stop() : record();
      else if (target.closest(".hear")) hear().catch((error) => tell(error.message));
      else if (target.closest(".use")) find("#use-playing")?.click();
      else if (target.closest(".midi")) connect();
      else if (target.closest(".close")) open(false);
      else if (target.closest(".octave")) shift(Number(target.closest(".octave").dataset.by));
    });
    const shift = (by) => {
      silence();
      lowest = clamp(lowest + by, 24, 72);
      show();
    };
    const touched = new Map(); // pointer: key
    const keyUnder = (event) => document.elementFromPoint(event.clientX, event.clientY)?.closest("#keys [data-key]")?.dataset.key;
    document.addEventListener("pointerdown", (event) => {
      const key = event.target.closest("#keys [data-key]")?.dataset.key;
      if (!key) return;
      event.target.releasePointerCapture?.(event.pointerId);
      touched.set(event.pointerId, Number(key));
      press(Number(key), TOUCH, event.timeStamp);
      event.preventDefault();
    });
    document.addEventListener("pointermove", (event) => {
      if (!touched.has(event.pointerId)) return;
      const key = Number(keyUnder(event) ?? NaN);
      if (key === touched.get(event.pointerId)) return;
      release(touched.get(event.pointerId), event.timeStamp);
      if (key) press(key, TOUCH, event.timeStamp);
      touched.set(event.pointerId, key);
    });
    for (const kind of ["pointerup", "pointercancel"]) {
      document.addEventListener(kind, (event) => {
        if (!touched.has(event.pointerId)) return;
        release(touched.get(event.pointerId), event.timeStamp);
        touched.delete(event.pointerId);
      });
    }
    const typed = new Map(); // a key of the computer: the key of the piano that it holds
    const letterOf = (event) => {
      if (!isOpen() || event.ctrlKey || event.metaKey || event.altKey) return null;
      return event.target.closest("input, textarea, select, [contenteditable], [role=option]") ? null : event.code.slice(3).toLowerCase(); // the same places on all keyboards
    };
    document.addEventListener("keydown", (event) => {
      const letter = letterOf(event);
      const place = LETTERS.indexOf(letter);
      if (place >= 0) {
        if (!event.repeat) {
          typed.set(event.code, lowest + 12 + place);
          press(lowest + 12 + place, TOUCH, event.timeStamp);
        }
      } else if ((letter === "z" || letter === "x") && !event.repeat) shift(letter === "z" ? -12 : 12);
      else return;
      event.preventDefault();
    });
    document.addEventListener("keyup", (event) => {
      if (typed.has(event.code)) release(typed.get(event.code), event.timeStamp);
      typed.delete(event.code);
    });
    window.addEventListener("blur", silence);
    window.addEventListener("resize", () => isOpen() && draw());
    return {
      playing: () => (recorded ? JSON.stringify(recorded) : ""),
      close: () => isOpen() && open(false),
      show,
      isOpen,
      field,
      tell,
      light,
      silence,
      // Open the keys, with nothing recorded, for somebody else to listen.
      lend: (to) => {
        if (recording) stop();
        stopHearing();
        partner = to;
        if (to && !isOpen()) open(true);
        show();
      },
      fingers: () => down.size - held.size,
    };
  })();
