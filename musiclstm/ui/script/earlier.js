  // The visitor's earlier results: a click brings one back.
  const earlier = (() => {
    let chosen = "";
    document.addEventListener("click", ({ target }) => {
      const card = target.closest("#strip [data-result]");
      if (!card || find("#roll .growing")) return; // what is being written comes first
      chosen = card.dataset.result;
      find("#bring-back")?.click();
      find("#stage")?.scrollIntoView({ behavior: "smooth", block: "nearest" });
    });
    return { chosen: (inputs) => [chosen, ...inputs.slice(1)] };
  })();
