// What stays around every page: the bar, the routes, what catches a broken page.
import { useEffect, useRef } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { wasScrolled } from "./address";
import DialoguePage from "./dialogue/DialoguePage";
import ComparePage from "./graph/ComparePage";
import RunGraphPage from "./graph/RunGraphPage";
import StrategiesPage from "./graph/StrategiesPage";
import TurnPage from "./graph/TurnPage";
import { useLive } from "./live";
import { LiveSign } from "./LiveSign";
import { Boundary } from "./parts/Boundary";
import { Page } from "./parts/Page";
import { ThemeButton } from "./parts/Theme";
import RepliesPage from "./replies/RepliesPage";
import { RunPage } from "./runs/RunPage";
import { RunsPage } from "./runs/RunsPage";
import "./shell.css";

export function Shell() {
  const [place] = useLocation();
  const link = useLive();
  useFreshPage(place);
  return (
    <>
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault(); // the address' hash is the page's name
          document.getElementById("main")?.focus();
        }}
      >
        Skip to content
      </a>
      <header className="bar">
        <Link href="/" className="brand">
          Attunement
        </Link>
        <LiveSign link={link} />
        <ThemeButton />
      </header>
      <Boundary place={place}>
        <Routes />
      </Boundary>
    </>
  );
}

function Routes() {
  return (
    <Switch>
      <Route path="/" component={RunsPage} />
      <Route path="/compare" component={ComparePage} />
      <Route path="/runs/:run" component={RunPage} />
      <Route path="/runs/:run/graph" component={RunGraphPage} />
      <Route path="/runs/:run/strategies" component={StrategiesPage} />
      <Route path="/runs/:run/replies" component={RepliesPage} />
      <Route path="/runs/:run/d/:dialogue" component={DialoguePage} />
      <Route path="/runs/:run/d/:dialogue/t/:turn" component={TurnPage} />
      <Route>
        <Page title="No such page" crumbs={[]}>
          <p>
            Nothing stands at this address. <Link href="/">Go to the runs.</Link>
          </p>
        </Page>
      </Route>
    </Switch>
  );
}

/** Another page begins at its top, or where it was left, and keyboards and screen readers begin there too. */
function useFreshPage(place: string): void {
  const first = useRef(true);
  const page = kind(place);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    if (!location.hash.includes("turn=")) scrollTo(0, wasScrolled());
    document.getElementById("main")?.focus({ preventScroll: true });
  }, [page]);
}

/** Turn after turn on the graph is one page: stepping keeps place and focus. */
const kind = (place: string) => place.replace(/\/t\/\d+$/, "/t");
