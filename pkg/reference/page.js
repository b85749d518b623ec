"use strict";

// Shows the documents that the page names, with a choice between them.
const page = document.getElementById("reference");
const parameters = new URLSearchParams(location.search);

SwaggerUIBundle({
  domNode: page,
  urls: page.dataset.documents.split(" ").map((name) => ({ name, url: new URL(`openapi/${name}.json`, location).href })),
  // Swagger UI keeps the choice in the address.
  "urls.primaryName": parameters.get("urls.primaryName"),
  layout: "StandaloneLayout",
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  plugins: [SwaggerUIBundle.plugins.DownloadUrl],
  deepLinking: true,
  displayRequestDuration: true,
  // Otherwise documents are sent to a validator elsewhere.
  validatorUrl: null,
});
