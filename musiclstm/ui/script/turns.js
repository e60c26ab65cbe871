  // A visitor's changes reach the server one after the other, in the order of the clicks, however quick they are.
  const turns = (() => {
    const LONGEST = 20_000; // milliseconds: an answer that takes longer is not waited for
    let latest = Promise.resolve();
    let answered = () => {};
    return {
      // The inputs of an event, as soon as what was sent before it has been answered.
      take: async (inputs) => {
        const before = latest;
        let mine;
        latest = new Promise((resolve) => (mine = resolve));
        await before;
        answered = mine;
        setTimeout(mine, LONGEST);
        return inputs;
      },
      answered: () => answered(),
    };
  })();
