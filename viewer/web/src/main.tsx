// The pages' entry: queries, addresses, theme.
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Router } from "wouter";
import { useHash, useHashSearch } from "./address";
import { client } from "./queries";
import { Shell } from "./Shell";
import "./theme.css";
import "./controls.css";

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <Router hook={useHash} searchHook={useHashSearch}>
        <Shell />
      </Router>
    </QueryClientProvider>
  </StrictMode>,
);
