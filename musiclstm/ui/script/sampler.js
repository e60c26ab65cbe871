  // Plays notes with WebAudio. The samples are single notes that the server rendered from its sound font: every third key, at
  // the velocities that sound different, and the keys between by changing the speed. They are loaded when a note needs them.
  const sampler = (() => {
    const QUIET = 0.002; // of a sample's peak: what comes before it is silence that the compression added
    const AWAY = text("The sounds can't be loaded now; press Play to try again.");
    const root = () => window.gradio_config?.root ?? "";
    const programs = new Map(); // program: promise of its facts, with the samples that were asked for
    const sounding = new Set();
    let context = null;
    let latency = "interactive";
    let dry = null;
    let volume = null;
    let loudness = 1;

    // A small room: noise that dies away within a second, as the files have some reverb too.
    const room = () => {
      const length = Math.round(0.9 * context.sampleRate);
      const buffer = context.createBuffer(2, length, context.sampleRate);
      for (let channel = 0; channel < 2; channel++) {
        const data = buffer.getChannelData(channel);
        for (let i = 0; i < length; i++) data[i] = (2 * Math.random() - 1) * Math.exp((-6 * i) / length) * 0.03;
      }
      return new ConvolverNode(context, { buffer, disableNormalization: true });
    };
    const open = () => {
      if (context || !window.AudioContext) return;
      context = new AudioContext({ latencyHint: latency });
      dry = new GainNode(context);
      volume = new GainNode(context, { gain: loudness });
      const limiter = new DynamicsCompressorNode(context, { threshold: -6, knee: 6, ratio: 12, attack: 0.002, release: 0.15 });
      dry.connect(volume);
      dry.connect(room()).connect(volume);
      volume.connect(limiter).connect(context.destination);
    };

    // The facts of a program. Rejects with the server's sentence if it can't make sound.
    const facts = (program) => {
      open();
      if (!programs.has(program)) {
        const asked = fetch(`${root()}/samples/${program}`).catch(() => null).then(async (answer) => {
          const told = await answer?.json().catch(() => null);
          if (!told || !answer.ok) throw new Error(told?.detail ?? AWAY);
          return { ...told, program, buffers: new Map() };
        });
        asked.catch(() => programs.delete(program)); // ask again next time
        programs.set(program, asked);
      }
      return programs.get(program);
    };
    const nearest = (keys, key) => keys.reduce((best, each) => (Math.abs(each - key) < Math.abs(best - key) ? each : best));
    const closest = ({ keys, velocities }, { key, velocity }) => `${nearest(velocities, velocity)}/${nearest(keys, key)}`;
    // A note that doesn't tell its velocity may be struck with any.
    const needed = (known, { key, velocity }) =>
      (velocity === undefined ? known.velocities : [velocity]).map((each) => closest(known, { key, velocity: each }));
    const decoded = async (known, name) => {
      const [struck, key] = name.split("/").map(Number);
      const answer = await fetch(`${root()}/samples/${known.version}/${known.program}/${name}${known.kind}`).catch(() => null);
      if (!answer?.ok) throw new Error(AWAY);
      const buffer = await context.decodeAudioData(await answer.arrayBuffer());
      const data = buffer.getChannelData(0);
      const peak = data.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
      let begins = 0;
      while (begins < data.length && Math.abs(data[begins]) < QUIET * peak) begins++;
      return { key, struck, buffer, begins: Math.max(0, begins / buffer.sampleRate - 0.002) };
    };

    // Load what the notes need, those for the first ones first. Resolves when all are there.
    const load = async (voices, notes) => {
      const wanted = new Map(voices.map(({ program }) => [program, new Set()]));
      for (const note of notes) wanted.get(voiceOf(voices, note.key)).add(note);
      await Promise.all(
        [...wanted].map(async ([program, played]) => {
          const known = await facts(program);
          const near = new Set([...played].flatMap((note) => needed(known, note)));
          await Promise.all([...near].map((name) => sample(known, name)));
        }),
      );
    };
    const sample = (known, name) => {
      if (!known.buffers.has(name)) {
        const asked = decoded(known, name).then((made) => {
          asked.ready = made;
          return made;
        });
        asked.catch(() => known.buffers.delete(name));
        known.buffers.set(name, asked);
      }
      return known.buffers.get(name);
    };
    const voiceOf = (voices, key) => voices.findLast(({ lowest }) => lowest <= key).program;

    // The sample nearest in pitch, then in velocity, among those that are there and no more than an octave away.
    const standIn = (known, key, velocity) => {
      const there = [...known.buffers.values()].flatMap(({ ready }) => (ready && Math.abs(ready.key - key) <= 12 ? [ready] : []));
      const distance = (each) => 127 * Math.abs(each.key - key) + Math.abs(each.struck - velocity);
      return there.sort((one, other) => distance(one) - distance(other))[0];
    };

    // Sound a note at a time of the context, for some seconds. A sample that is not there by then is replaced by one that is;
    // if there is none, the note is late or left out: the music goes on.
    const strike = async (voices, { key, velocity }, at, seconds) => {
      const known = await facts(voiceOf(voices, key));
      const asked = sample(known, closest(known, { key, velocity }));
      const wait = 1000 * Math.max(0, at - context.currentTime);
      if (!asked.ready) await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, wait))]);
      const { buffer, begins, struck, key: rendered } = asked.ready ?? standIn(known, key, velocity) ?? (await asked);
      const now = context.currentTime;
      if (at + Math.min(seconds, 0.15) < now) return;
      const source = new AudioBufferSourceNode(context, { buffer, playbackRate: 2 ** ((key - rendered) / 12) });
      const repeats = known.loops?.[known.keys.indexOf(rendered)];
      if (repeats) Object.assign(source, { loop: true, loopStart: begins + repeats[0], loopEnd: begins + repeats[1] });
      const level = known.gain * (velocity / struck) ** 2;
      const gain = new GainNode(context, { gain: level });
      source.connect(gain).connect(dry);
      const start = Math.max(at, now);
      const end = Math.max(at + seconds, start + 0.03);
      const voice = { source, gain };
      source.start(start, begins);
      gain.gain.setValueAtTime(level, end);
      gain.gain.setTargetAtTime(0, end, known.release / 2.3); // 2.3 time constants are 20 dB
      source.stop(end + 3 * known.release + 0.05);
      sounding.add(voice);
      source.onended = () => {
        sounding.delete(voice);
        gain.disconnect();
      };
      return voice;
    };
    // A click of the metronome.
    const click = (at, accented) => {
      const source = new OscillatorNode(context, { frequency: accented ? 1760 : 1175, type: "triangle" });
      const gain = new GainNode(context, { gain: 0 });
      source.connect(gain).connect(volume);
      gain.gain.setValueAtTime(accented ? 0.3 : 0.18, at);
      gain.gain.exponentialRampToValueAtTime(0.001, at + 0.05);
      source.start(at);
      source.stop(at + 0.06);
    };
    const letGo = ({ source, gain }, seconds = 0.02) => {
      const now = context.currentTime;
      gain.gain.cancelScheduledValues(now);
      gain.gain.setTargetAtTime(0, now, seconds);
      source.stop(now + 6 * seconds);
    };
    const hush = () => {
      for (const voice of sounding) letGo(voice);
      sounding.clear();
    };
    const reopen = () => {
      context?.close().catch(() => {});
      context = null;
      sounding.clear();
      open();
      context?.resume();
    };
    return {
      available: () => Boolean(window.AudioContext),
      // Browsers let a page sound only after a click or a key: call it in one.
      wake: () => {
        open();
        if (context && context.state !== "running") context.resume();
      },
      now: () => context?.currentTime ?? 0,
      // Begin again with a new output: some systems stop the old one for good, after sleep or when headphones are unplugged.
      reopen,
      // From now on sound with as little delay as the system can, for keys that somebody plays. Ends what sounds.
      hurry: () => {
        if (latency === 0) return;
        latency = 0;
        reopen();
      },
      setVolume: (value) => {
        loudness = value;
        open();
        volume?.gain.setTargetAtTime(value, context.currentTime, 0.02);
      },
      output: () => volume, // for measuring what is heard
      load,
      strike,
      letGo,
      click,
      hush,
    };
  })();
