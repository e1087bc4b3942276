// The page reads without this. It fills in where the service is, copies samples, and narrows the list.
"use strict";

document.getElementById("origin").textContent = location.origin;

for (const button of document.querySelectorAll(".copy")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1200);
  });
}

const links = [...document.querySelectorAll("nav li a")];
document.getElementById("filter").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/);
  for (const link of links) {
    link.parentElement.hidden = !words.every((word) => link.dataset.words.includes(word));
  }
  for (const section of document.querySelectorAll("nav section")) {
    section.hidden = !section.querySelector("li:not([hidden])");
  }
  document.getElementById("found").textContent = links.every((link) => link.parentElement.hidden) ? "Nothing found" : "";
});

const byName = new Map(links.map((link) => [link.hash.slice(1), link]));
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) {
      links.forEach((link) => link.classList.remove("here"));
      byName.get(entry.target.id)?.classList.add("here");
    }
  }
}, { rootMargin: "0px 0px -75% 0px" });
document.querySelectorAll("article[id]").forEach((article) => seen.observe(article));
