"use strict";

// What somebody types finds operations by path, method, name and summary; Swagger UI itself looks at the groups' names alone.
const search = () => ({
  fn: {
    opsFilter: (groups, phrase) => {
      const words = phrase.toLowerCase().split(/\s+/).filter(Boolean);
      const fits = (group, one) => {
        const operation = one.get("operation");
        const text = [group, one.get("method"), one.get("path"), operation.get("operationId"), operation.get("summary")].join(" ").toLowerCase();
        return words.every((word) => text.includes(word));
      };
      return groups
        .map((group, name) => group.set("operations", group.get("operations").filter((one) => fits(name, one))))
        .filter((group) => group.get("operations").size > 0);
    },
  },
});

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const shade = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", shade);
shade();

const read = async () => {
  const description = await (await fetch("/openapi.json")).json();
  // Here one tries things out by a token alone: never as whoever happens to be signed in with this browser.
  delete description.components.securitySchemes.browser;
  const mine = (wanted) => wanted.filter((way) => !("browser" in way));
  if (description.security) description.security = mine(description.security);
  for (const methods of Object.values(description.paths)) {
    for (const operation of Object.values(methods)) {
      if (operation.security) operation.security = mine(operation.security);
    }
  }
  SwaggerUIBundle({
    spec: description,
    dom_id: "#reference",
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    displayRequestDuration: true,
    filter: true,
    tryItOutEnabled: true,
    validatorUrl: null,
    plugins: [search],
    requestInterceptor: (request) => ({ ...request, credentials: "omit" }),
  });
};
read();
