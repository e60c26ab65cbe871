  // Bars are chosen with the mouse, a finger or keys, on the roll or in the score. Here they count from 0, a pickup too.
  const bars = (() => {
    const DRAG = 6; // pixels: less is a click
    const HOLD = 400; // milliseconds: a finger that rests so long chooses bars, one that moves earlier scrolls
    const EDGE = 30; // pixels from an edge of the roll or the sheet: there they scroll under the pointer
    const AREAS = { roll: "#roll svg[data-voices]", sheet: "#sheet .sheet svg" };
    let gesture = null; // of a pointer that is down on the music: where it began, and whether it ``chooses``
    let ends = [0, 0]; // where the choice began and where it ended, so that Shift goes on from there
    let told = "";
    let deleting = null; // the section that the server was asked to delete

    const numbered = (bar) => bar + (music.now()?.first ?? 1); // as in the score
    const lines = () => music.now()?.bars ?? [0];
    const last = () => lines().length - 2;
    const barOf = (tick) => clamp(lines().findLastIndex((line) => line <= tick), 0, last());
    const areaOf = (target) => Object.keys(AREAS).find((area) => target.closest?.(AREAS[area]) && !target.closest(".piano"));
    const barAt = (area, x, y, nearest) =>
      area === "roll" ? barOf(music.tickAt(find(AREAS.roll), x)) : Math.min(last(), sheet.barAt(x, y, nearest));
    const section = (one, other) => [lines()[Math.min(one, other)], lines()[Math.max(one, other) + 1]];
    // The first and the last chosen bar, or null.
    const chosen = () => {
      const found = player.section()?.map((tick) => lines().indexOf(tick));
      return found ? [found[0], found[1] - 1] : null;
    };
    const choose = (from, to) => {
      ends = [from, to].map((bar) => clamp(bar, 0, last()));
      player.setSection(section(...ends));
    };
    // Where the choice began, if it is still the one that was made here.
    const start = (range) => (Math.min(...ends) === range[0] && Math.max(...ends) === range[1] ? ends[0] : range[0]);
    const locked = () => music.now()?.locked ?? [];
    const allLocked = ([first, final]) => locked().filter((bar) => first <= bar && bar <= final).length > final - first;
    const sentence = () => {
      const range = chosen();
      if (!range) return "";
      const [first, final] = range;
      const held = locked().filter((bar) => first <= bar && bar <= final).map(numbered).join(", ");
      const values = { first: numbered(first), last: numbered(final), held };
      if (first === final) {
        return allLocked(range) ? text("Bar {first} is chosen and locked.", values) : text("Bar {first} is chosen.", values);
      }
      if (allLocked(range)) return text("Bars {first} to {last} are chosen and locked.", values);
      if (held) return text("Bars {first} to {last} are chosen. Locked: {held}.", values);
      return text("Bars {first} to {last} are chosen.", values);
    };
    const hint = () =>
      matchMedia("(pointer: coarse)").matches
        ? text("To choose bars, rest a finger on the roll or the score, then drag.")
        : text("Drag over the roll or the score to choose bars; or press Shift with an arrow key there.");
    const draw = (range) => {
      music.markBars(range && section(...range), locked().map((bar) => section(bar, bar)));
      sheet.markBars((bar) => Boolean(range) && range[0] <= bar && bar <= range[1], (bar) => locked().includes(bar));
    };
    const write = (box, words) => {
      if (box && box.textContent !== words) box.textContent = words;
    };
    // Show and say which bars are chosen.
    const tell = () => {
      const range = chosen();
      if (!gesture?.chooses) draw(range);
      document.body.dataset.section = Boolean(range);
      const words = sentence();
      write(find("#chosen-bars"), words || hint());
      write(find("#lock-bars"), range && allLocked(range) ? text("Unlock") : text("Lock"));
      if (words !== told) write(find("#player .bars-said"), words || text("No bars are chosen."));
      told = words;
    };

    // The mouse, and a finger that rests
    const follow = (x, y) => {
      Object.assign(gesture, { x, y, to: barAt(gesture.area, x, y, true) });
      draw([Math.min(gesture.from, gesture.to), Math.max(gesture.from, gesture.to)]);
    };
    const begin = () => {
      const { area } = gesture;
      const holder = find(`#${area} .html-container`);
      const step = (place, low, high) => (place > high - EDGE ? 12 : place < low + EDGE ? -12 : 0);
      gesture.chooses = true;
      gesture.scrolling = setInterval(() => {
        const box = holder.getBoundingClientRect();
        const before = holder.scrollLeft + holder.scrollTop;
        const down = area === "sheet" ? step(gesture.y, box.top, box.bottom) : 0;
        holder.scrollBy(step(gesture.x, box.left, box.right), down);
        if (holder.scrollLeft + holder.scrollTop !== before) follow(gesture.x, gesture.y);
      }, 40);
      follow(gesture.x, gesture.y);
    };
    const leave = () => {
      clearTimeout(gesture?.resting);
      clearInterval(gesture?.scrolling);
    };
    document.addEventListener("pointerdown", (event) => {
      leave();
      gesture = null;
      const area = event.isPrimary && event.button === 0 && !edit.busy() && areaOf(event.target);
      const from = area ? barAt(area, event.clientX, event.clientY) : -1;
      if (from < 0) return;
      gesture = { area, from, to: from, x: event.clientX, y: event.clientY, id: event.pointerId, chooses: false };
      if (event.pointerType === "touch") gesture.resting = setTimeout(begin, HOLD);
    });
    document.addEventListener("pointermove", (event) => {
      if (gesture?.id !== event.pointerId) return;
      if (gesture.chooses) return follow(event.clientX, event.clientY);
      if (Math.hypot(event.clientX - gesture.x, event.clientY - gesture.y) < DRAG) return;
      if (event.pointerType === "touch") clearTimeout(gesture.resting);
      else if (event.buttons & 1) begin();
    });
    document.addEventListener("pointerup", (event) => {
      leave();
      if (gesture?.id !== event.pointerId || !gesture.chooses) return;
      Object.assign(gesture, { chooses: false, chose: true }); // the click that follows is none
      choose(gesture.from, gesture.to);
    });
    document.addEventListener("pointercancel", () => {
      leave();
      gesture = null;
      draw(chosen());
    });
    document.addEventListener("contextmenu", (event) => {
      if (gesture?.resting && areaOf(event.target)) event.preventDefault(); // a finger that rests would open it
    });
    // A click that is no drag: with Shift up to here, in the score just this bar. Whether it was for the bars.
    const clicked = (event) => {
      const area = areaOf(event.target);
      if (!area) return false;
      if (gesture?.chose) return true;
      const bar = barAt(area, event.clientX, event.clientY);
      const range = chosen();
      if (event.shiftKey && bar >= 0) choose(range ? start(range) : bar, bar);
      else if (area === "roll" || event.target.closest(".note") || bar < 0) return false;
      else if (range && range[0] === bar && range[1] === bar) player.setSection(null);
      else choose(bar, bar);
      return true;
    };

    // A key on the roll or the score. Whether it was for the bars.
    const pressed = (event) => {
      if (!event.target.closest("#roll, #sheet") || event.ctrlKey || event.metaKey || event.altKey || !music.now()) return false;
      const range = chosen();
      if (event.key === "Escape" && range) player.setSection(null);
      else if (event.key === "Delete" && range) find("#delete-bars")?.click();
      else {
        const from = range ? start(range) : barOf(player.tick());
        const here = range ? range[0] + range[1] - from : from;
        const step = range ? 1 : 0; // the first key chooses the bar at the playhead
        const to = { ArrowRight: here + step, ArrowLeft: here - step, Home: 0, End: last() }[event.key];
        if (!event.shiftKey || to === undefined) return false;
        choose(from, to);
        music.showTick(lines()[ends[1]]);
        sheet.showBar(ends[1]);
      }
      return true;
    };
    return {
      HOLD,
      tell,
      clicked,
      pressed,
      // A finger that chooses does not scroll.
      hold: (event) => gesture?.chooses && event.preventDefault(),
      lock: () => {
        if (find("#lock").disabled) return; // a take is being written
        find("#lock").click();
        const words = text("Locked bars stay as they are: Rewrite goes around them, and nothing deletes or changes them.");
        say(find("#lock-bars").textContent === text("Lock") ? words : "");
      },
      // Puts the first and last bar, counted from 1 with a pickup, in the place of an event's last input; "" if none is chosen.
      selected: (inputs) => {
        const range = chosen();
        return [...inputs.slice(0, -1), range ? JSON.stringify(range.map((bar) => bar + 1)) : ""];
      },
      // The same, and the bars are not chosen any more, since others take their place. If they stay after all, they are again.
      deleted: (inputs) => {
        const made = bars.selected(inputs);
        deleting = player.section();
        player.setSection(null);
        return made;
      },
      stayed: () => player.setSection(deleting),
    };
  })();
