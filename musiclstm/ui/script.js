() => {
  // What Gradio does not do: one player at a time, a playhead on the roll, and Ctrl+Enter. Nothing is fetched from anywhere.
  // Gradio's players keep their <audio> out of the document; it is met here when it starts.
  let started = null;
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    started = this;
    return play.apply(this, arguments);
  };

  const media = {}; // player's id -> its <audio>
  let current = null; // the id of the player that was started last
  const element = (id, inside) => document.querySelector(`#${id} ${inside}`);
  const playing = (id) => {
    media[id] = started;
    for (const sound of Object.values(media)) if (sound !== started) sound.pause();
    current = id;
    nextFrame();
  };

  // A seed that was just chosen is heard as soon as its sound is there: the player shows its length when it is.
  let choice = null;
  const chosen = () => {
    media["seed-player"]?.pause();
    const length = element("seed-player", "#duration");
    if (length) length.textContent = "";
    const mine = (choice = { settled: false });
    const until = Date.now() + 20000;
    const wait = setInterval(() => {
      const there = element("seed-player", "#duration")?.textContent;
      if (choice !== mine || Date.now() > until) clearInterval(wait);
      else if ((there && there !== "0:00") || mine.settled) {
        clearInterval(wait);
        setTimeout(() => element("seed-player", "button[aria-label=Play]")?.click(), 50);
      }
    }, 50);
  };
  // The same sound as before is not loaded again, so its length does not appear again either.
  const arrived = () => {
    const mine = choice;
    const sound = media["seed-player"];
    const length = element("seed-player", "#duration");
    setTimeout(() => {
      if (!mine || choice !== mine || !sound || !length || length.textContent) return;
      length.textContent = `${Math.floor(sound.duration / 60)}:${String(Math.floor(sound.duration % 60)).padStart(2, "0")}`;
      mine.settled = true;
    }, 3000);
  };

  // On a phone the take lies below the controls.
  const look = () => {
    if (window.innerWidth <= 900) document.querySelector("#take")?.scrollIntoView({ behavior: "smooth" });
  };
  window.musiclstm = { playing, chosen, arrived, look };

  // The roll says at which second which tick is heard.
  const clockOf = (svg) => svg.dataset.clock.split(" ").map((pair) => pair.split(":").map(Number));
  const between = (pairs, value, from, to) => {
    let i = 1;
    while (i < pairs.length - 1 && pairs[i][from] < value) i++;
    const [a, b] = [pairs[i - 1], pairs[i]];
    return a[to] + ((value - a[from]) * (b[to] - a[to])) / (b[from] - a[from]);
  };

  let frame = 0;
  function nextFrame() {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(moveHead);
  }
  function moveHead() {
    const sound = media[current];
    const holder = document.querySelector(`${current === "seed-player" ? "#seed-roll" : "#roll"} .html-container`);
    const svg = holder && holder.querySelector("svg");
    document.querySelectorAll(".playhead").forEach((line) => line.ownerSVGElement !== svg && line.remove());
    if (!sound || !svg) return;
    if (!sound.paused) nextFrame();
    if (holder.querySelector(".growing")) return; // another take's notes
    const { left, top, bottom, tickPx, ticks, split } = svg.dataset;
    const pairs = clockOf(svg);
    let seconds = sound.currentTime;
    if (current === "take-continuation") seconds += between(pairs, Number(split), 0, 1);
    const x = Number(left) + Math.min(between(pairs, seconds, 1, 0), Number(ticks)) * Number(tickPx);
    let line = svg.querySelector(".playhead");
    if (!line) {
      line = document.createElementNS("http://www.w3.org/2000/svg", "line");
      line.setAttribute("class", "playhead");
      line.setAttribute("aria-hidden", "true");
      svg.append(line);
    }
    for (const [name, value] of Object.entries({ x1: x, x2: x, y1: top, y2: bottom })) line.setAttribute(name, value);
    if (!sound.paused && (x < holder.scrollLeft || x > holder.scrollLeft + holder.clientWidth * 0.9)) {
      holder.scrollLeft = x - holder.clientWidth * 0.1;
    }
  }

  // While notes are written the newest stay in view.
  const follow = () => {
    const roll = document.querySelector("#roll .html-container");
    const growing = roll && roll.querySelector(".growing svg");
    const newest = growing && growing.querySelector(".continuation rect:last-of-type");
    if (newest) roll.scrollLeft = Math.max(roll.scrollLeft, Number(newest.getAttribute("x")) - roll.clientWidth * 0.85);
  };
  new MutationObserver(follow).observe(document.body, { childList: true, subtree: true });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) document.querySelector("#generate")?.click();
  });
}
