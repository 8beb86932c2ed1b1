// The page can be read without this: it filters the table of passes, and opens what is folded before printing.
const box = document.getElementById("filter");
if (box) {
  const rows = [...document.querySelectorAll("#passes tbody tr")];
  const told = document.querySelector("#passes output");
  box.hidden = false;
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    told.textContent = box.value ? `${rows.filter((row) => !row.hidden).length} of ${rows.length}` : "";
  });
}
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});
