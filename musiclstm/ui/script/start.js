  const find = (selector) => document.querySelector(selector);
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  // A sentence in the page's language, with values in the place of {names}; ``counted`` for one that says how many.
  const filled = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  const text = (sentence, values = {}) => filled(TEXTS[sentence] ?? sentence, values);
  const counted = (one, many, n, values = {}) => filled((TEXTS[one] ?? [one, many])[PLURAL(n)], { n, ...values });
  const NAMES = [
    ...[text("C"), text("C sharp"), text("D"), text("E flat"), text("E"), text("F")],
    ...[text("F sharp"), text("G"), text("A flat"), text("A"), text("B flat"), text("B")],
  ];
  const keyName = (key) => text("{note} {octave}", { note: NAMES[key % 12], octave: Math.floor(key / 12) - 1 });
  const times = (factor) => factor.toLocaleString(navigator.language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  // What a tool did, or what can be done with it.
  const say = (words) => {
    const box = find("#tools-said");
    if (box) box.textContent = words;
  };
  const drawn = (name, attributes) => {
    const shape = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    return shape;
  };
  // Marks of locked bars in a picture: a shaded box for each, with a padlock in its upper left corner, or the lower one if ``low``.
  // ``pixel``: how long one is there.
  const lockMarks = (boxes, pixel, low) => {
    const group = drawn("g", { class: "locks", "aria-hidden": true });
    for (const box of boxes) {
      group.append(drawn("rect", { ...box, class: "locked" }));
      const d = "M2 6h9v6H2zM3.5 6V4a3 3 0 0 1 6 0v2H8V4a1.5 1.5 0 0 0-3 0v2z";
      const y = box.y + (low ? box.height - 14 * pixel : 2 * pixel);
      group.append(drawn("path", { d, transform: `translate(${box.x + 3 * pixel} ${y}) scale(${pixel})` }));
    }
    return group;
  };
  const spoken = (seconds) => counted("{n} second", "{n} seconds", Math.round(seconds));
