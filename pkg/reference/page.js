"use strict";

// Shows the documents that the page names, with a choice between them.
const page = document.getElementById("reference");

// Swagger UI's own logo has a style inside, which the policy refuses.
const title = ({ React }) => ({ components: { Logo: () => React.createElement("span", null, document.title) } });

SwaggerUIBundle({
  domNode: page,
  urls: page.dataset.documents.split(" ").map((name) => ({ name, url: new URL(`openapi/${name}.json`, location).href })),
  layout: "StandaloneLayout",
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  plugins: [SwaggerUIBundle.plugins.DownloadUrl, title],
  deepLinking: true,
  displayRequestDuration: true,
  // Otherwise documents are sent to a validator elsewhere.
  validatorUrl: null,
});
