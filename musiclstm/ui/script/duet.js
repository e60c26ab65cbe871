  // A duet: the visitor plays a phrase, the model answers, turn by turn. A phrase is over after a silence, or when the visitor says so.
  const duet = (() => {
    const SILENCE = 2; // beats without a finger on a key after which a phrase is over
    const SHORTEST = 1; // seconds of silence at least
    const LONGEST = 2.5;
    const USUAL_BEAT = 0.6; // seconds, until something tells another
    const TOGETHER = 0.05; // seconds within which keys are meant to be struck together
    const EARLY = 0.4; // of the silence, after which the answer is asked for: it waits until the phrase is surely over
    const LEAD = 0.03; // seconds from now to the first note of an answer, so that its first chord sounds together
    const MOST = 2000; // notes of a phrase, the latest, and the seconds in which they were struck
    const MEMORY = 300;
    const PIANO = [{ program: 0, lowest: 0 }];
    const WELCOME = text("Play a phrase. When you pause, or press Answer now, the model answers.");
    let on = false;
    let whose = "yours"; // "yours", "asked" (the phrase is over and there is no answer yet) or "answer"
    let phrase = []; // the notes of the visitor's turn
    let first = true; // nothing was answered yet
    let kept = null; // bars of the answer that is on the stage that were heard, if the visitor did not hear it out
    let beat = 0; // seconds, of the last phrase
    let number = 0; // of what was asked last
    let waiting = false; // it was asked, and nothing was played since
    let answer = null; // what came for it
    let sounding = null; // the answer that is played: its number, when it began, how many notes were handed over
    let timers = [];
    let lights = [];
    let begun = null; // the answer that was heard, at least in part, and is not on the stage yet
    let over = 0; // when the phrase was judged over, in milliseconds

    // Seconds of silence after which a phrase is over: two beats, or twice the usual time between its strikes if that is longer.
    const silence = (times, known) => {
      const struck = times.filter((time, i) => i === 0 || time - times[i - 1] > TOGETHER);
      const gaps = struck.slice(1).map((time, i) => time - struck[i]).sort((a, b) => a - b);
      const usual = gaps.length ? gaps[Math.floor(gaps.length / 2)] : 0;
      return clamp(SILENCE * (Math.max(known, usual) || USUAL_BEAT), SHORTEST, LONGEST);
    };
    const cancel = () => {
      for (const timer of timers) clearTimeout(timer);
      timers = [];
    };
    const later = (seconds, act) => timers.push(setTimeout(act, 1000 * seconds));
    const show = (sentence) => {
      const panel = find("#keys .keys");
      if (!panel) return;
      panel.dataset.duet = on ? whose : "off";
      const button = keyboard.field("duet");
      button.setAttribute("aria-pressed", on);
      button.textContent = on ? text("■ Stop the duet") : text("Duet");
      Object.assign(keyboard.field("answer"), {
        disabled: whose === "asked",
        textContent: whose === "answer" ? text("My turn") : text("Answer now"),
      });
      Object.assign(keyboard.field("whose"), {
        hidden: !on,
        textContent: { yours: text("Your turn"), asked: text("The model's turn"), answer: text("The model plays") }[whose],
      });
      if (sentence !== undefined) keyboard.tell(sentence);
    };

    // The visitor's turn
    const pressed = () => {
      cancel();
      if (sounding) interrupt();
      if (waiting) number += 1; // what was asked is not the whole phrase: its answer is not wanted
      waiting = false;
      answer = null;
      if (whose !== "yours") {
        whose = "yours";
        show(text("You play."));
      }
    };
    const struck = (note) => {
      if (!phrase.length) show(text("You play. The model answers when you pause."));
      phrase.push(note);
    };
    const released = () => {
      if (!on || !phrase.length || whose !== "yours" || keyboard.fingers() || timers.length) return;
      const seconds = silence(phrase.map(({ at }) => at), beat);
      later(EARLY * seconds, ask);
      later(seconds, end);
    };
    const ask = () => {
      waiting = true;
      answer = null;
      if (begun) return; // until it is on the stage: the next answer goes on from it, and to ask would stop it
      number += 1;
      find("#duet-ask")?.click();
    };
    const end = () => {
      cancel();
      over = performance.now();
      whose = "asked";
      if (!waiting) ask();
      keyboard.silence();
      show(text("The model thinks."));
      if (answer) begin();
    };
    const handOver = () => {
      if (!on || whose === "asked") return;
      if (whose === "answer") return pass();
      if (!phrase.length) return show(text("You have not played anything yet: play a phrase first."));
      keyboard.silence();
      end();
    };

    // The model's turn
    const begin = () => {
      whose = "answer";
      phrase = [];
      waiting = false;
      beat = answer.beat;
      sounding = { from: sampler.now() + LEAD, given: 0, bar: answer.bar };
      begun = { number, kept: null };
      show(text("Listen; or play, and it is your turn at once."));
      go();
      if (answer.done) keep();
    };
    // Hand over the notes that are new, and let the turn end with the last bar.
    const go = () => {
      const { notes, seconds, done } = answer;
      for (const [at, length, key, velocity] of notes.slice(sounding.given)) {
        sampler.strike(PIANO, { key, velocity }, sounding.from + at, length).catch((error) => keyboard.tell(error.message));
        const ahead = sounding.from + at - sampler.now();
        lights.push(setTimeout(() => keyboard.light(key, true), 1000 * ahead));
        lights.push(setTimeout(() => keyboard.light(key, false), 1000 * (ahead + Math.max(0.08, length - 0.04))));
      }
      sounding.given = notes.length;
      cancel();
      if (done) later(sounding.from + seconds - sampler.now(), () => yours(notes.length ? undefined : text("The model rests. Play on.")));
    };
    const yours = (sentence = text("Play on, and the model answers again.")) => {
      cancel();
      dark();
      sounding = null;
      answer = null;
      whose = "yours";
      show(sentence);
    };
    const dark = () => {
      for (const timer of lights) clearTimeout(timer);
      lights = [];
      for (const key of document.querySelectorAll("#keys .down")) key.classList.remove("down");
    };
    const interrupt = () => {
      const bars = Math.max(1, Math.ceil((sampler.now() - sounding.from) / sounding.bar));
      if (begun) begun.kept = bars;
      else kept = bars;
      sampler.hush();
      dark();
      sounding = null;
    };
    const pass = () => {
      interrupt();
      yours();
    };

    // What the server sends
    const come = () => {
      const data = find("#duet-answer [data-facts]")?.dataset.facts;
      const facts = data && JSON.parse(data);
      if (!facts) return;
      if (begun) return facts.number === begun.number && more(facts);
      if (!on || !waiting || facts.number !== number) return;
      if (facts.error) return failed(facts.error);
      if (!facts.notes) return whose === "asked" && show(facts.said || text("The model thinks."));
      answer = facts;
      const notes = facts.notes.map(([, , key, velocity]) => ({ key, velocity }));
      sampler.load(PIANO, notes).catch(() => {}); // to strike them says why
      if (whose === "asked") begin();
    };
    // More of the answer that has begun, which is written to its end though the visitor may not listen any more.
    const more = (facts) => {
      if (facts.error) return lost();
      if (!facts.notes) return;
      if (sounding) {
        answer = facts;
        go();
      }
      if (facts.done) keep();
    };
    const keep = () => {
      if (begun.keeping) return;
      begun.keeping = true;
      find("#duet-keep")?.click();
    };
    // It is among the results.
    const noted = () => {
      if (!begun) return;
      if (!begun.left) {
        first = false;
        kept = begun.kept;
      }
      begun = null;
      if (waiting) ask();
    };
    const lost = () => {
      begun = null;
      if (sounding) yours(text("The last answer was not finished, so it is not on the stage. Play on, and the model answers again."));
      else keyboard.tell(text("The last answer was not finished, so it is not on the stage."));
      if (waiting) ask();
    };
    const failed = (sentence = text("The answer did not come. Press Answer now to ask again, or play on.")) => {
      if (begun) return lost();
      if (!on || !waiting) return;
      cancel();
      waiting = false;
      whose = "yours";
      show(sentence);
    };

    const start = () => {
      on = true;
      first = true;
      phrase = [];
      kept = null;
      beat = 0;
      whose = "yours";
      player.pause();
      keyboard.lend({ pressed, struck, released, handOver });
      show(WELCOME);
      keyboard.field("answer").focus({ preventScroll: true });
    };
    const left = () => {
      if (begun) return text("The duet comes to the stage below as soon as its last answer is written.");
      if (first) return text("Press Record and play, or begin another duet.");
      return text("The duet is on the stage below: play it, download it, let the model go on, or undo a turn.");
    };
    // ``stops``: the server is told; not by who asks for other music, which stops the answer anyway.
    const leave = (stops = true) => {
      if (!on) return;
      if (waiting && stops && !begun) find("#duet-leave")?.click();
      if (sounding) interrupt();
      if (begun) begun.left = true;
      cancel();
      dark();
      on = false;
      waiting = false;
      number += 1;
      keyboard.lend(null);
      show(stops ? left() : text("Press Record and play, or begin another duet."));
    };

    document.addEventListener("click", ({ target }) => {
      if (target.closest("#play-a-duet")) on ? leave() : start();
      else if (target.closest("#keys .duet")) on ? leave() : start();
      else if (target.closest("#keys .answer")) handOver();
    });
    document.addEventListener("keydown", (event) => {
      if (!on || event.key !== "Enter" || event.ctrlKey || event.metaKey || event.repeat) return;
      if (event.target.closest("input, textarea, select, button, a, summary, [role=option], [contenteditable]")) return;
      event.preventDefault();
      handOver();
    });
    const holder = new MutationObserver(come);
    const watch = () => {
      const box = find("#duet-answer");
      if (box) holder.observe(box, { childList: true, subtree: true, attributes: true });
      else setTimeout(watch, 100);
    };
    watch();
    return {
      silence,
      over: () => over, // for measuring
      leave,
      noted,
      failed,
      // The phrase in the place of an event's first input.
      asked: (inputs) => {
        const now = performance.now() / 1000;
        const recent = phrase.filter(({ at }) => at > phrase.at(-1).at - MEMORY).slice(-MOST);
        const from = recent[0]?.at ?? 0;
        const notes = recent.map(({ key, velocity, at, until }) => [at - from, clamp((until ?? now) - at, 0.03, 60), key, velocity]);
        const metre = keyboard.field("beat-metre").value;
        return [JSON.stringify({ notes, first, kept, metre, at_once: whose === "asked", number }), ...inputs.slice(1)];
      },
    };
  })();
